// Class activation maps, the weight of each channel: a block per image and strip of channels.
//
//   sums      y[n, c] = scale · Σ_p x[n, p, c]      of the gradient with scale 1 / pixels: the weights of Grad-CAM;
//                                                   of the activations with scale 1: S below
//   shares    w[n, c] = Σ_p g · a / (S[n, c] + 1e-7): those of XGrad-CAM
//   weights   w[n, c] = Σ_p max(g, 0) · g² / (2 g² + S[n, c] · g³ + 1e-6), g = g[n, p, c]: those of Grad-CAM++
//
// Grad-CAM++ (Chattopadhyay et al. 2018, equation 19) with the 1e-6 and the sum over the whole map of pytorch-grad-cam.
// Pixels without a positive gradient add nothing. XGrad-CAM (Fu and others 2020, equation 8) likewise with that library's 1e-7.
// A NaN stays one.
//
//   layout    x, g, a [images · pixels, channels]: the slab of a block is one image
//   defines   see columns.cuh
//   launch    see columns.cuh, with slab = pixels and a row of the grid for each image
//   bytes     4 per element each, shares 8
//   FLOPs     1, 3 and 9 per element
//   limit     memory
//   source    A. Chattopadhyay and others, "Grad-CAM++", 2018, equation 19; R. Fu and others, "Axiom-based Grad-CAM", 2020
#include "prelude/columns.cuh"

// Adds up of(x, row, channel) over the image of this block and writes scale times the sums.
template <class Of>
__device__ __forceinline__ void sums_over_image(float* y, const float* x, float scale, const Columns& columns, Of of) {
    vec<VEC> sum[STRIPS];
    for (int strip = 0; strip < STRIPS; ++strip) sum[strip] = splat<VEC>(0.0f);
    columns.for_each_group([&](auto group, int i, int strip, int channel) {
        constexpr int R = decltype(group)::ROWS_OF_GROUP;
        vec<VEC> part[R];
        UNROLL for (int j = 0; j < R; ++j) {
            const int row = i + j * columns.step;
            part[j] = of(columns.load_row(x, row, channel), row, channel);
        }
        sum[strip] = multiply_add<VEC>(1.0f, add_up(part), sum[strip]);
    });
    fold_columns(columns, sum, [](vec<VEC> a, vec<VEC> b) { return multiply_add<VEC>(1.0f, a, b); });
    if (columns.lane == 0) {
        float* row = y + (size_t)blockIdx.y * columns.channels;
        columns.for_each_strip([&](int strip, int channel) {
            columns.store_channels(row, channel, multiply_add<VEC>(scale, sum[strip], splat<VEC>(0.0f)));
        });
    }
}

extern "C" __global__ void __launch_bounds__(THREADS)
cam_forward_sums(float* __restrict__ y,        // [images, channels]
                 const float* __restrict__ x,  // [rows, channels]
                 int rows, int channels, int slab, int width, float scale) {
    const Columns columns(rows, channels, slab, width);
    sums_over_image(y, x, scale, columns, [](vec<VEC> value, int, int) { return value; });
}

extern "C" __global__ void __launch_bounds__(THREADS)
cam_forward_shares(float* __restrict__ w,          // [images, channels]
                   const float* __restrict__ g,    // [rows, channels], the gradient
                   const float* __restrict__ a,    // [rows, channels], the activations
                   const float* __restrict__ sum,  // [images, channels], S
                   int rows, int channels, int slab, int width) {
    const Columns columns(rows, channels, slab, width);
    const float* sum_of_image = sum + (size_t)blockIdx.y * channels;
    const auto share = [](float g, float a, float s) { return g * a / (s + 1e-7f); };
    sums_over_image(w, g, 1.0f, columns, [&](vec<VEC> gradient, int row, int channel) {
        return map<VEC>(share, gradient, columns.load_row(a, row, channel), columns.load_channels(sum_of_image, channel));
    });
}

extern "C" __global__ void __launch_bounds__(THREADS)
cam_forward_weights(float* __restrict__ w,          // [images, channels]
                    const float* __restrict__ g,    // [rows, channels], the gradient
                    const float* __restrict__ sum,  // [images, channels], S
                    int rows, int channels, int slab, int width) {
    const Columns columns(rows, channels, slab, width);
    const float* sum_of_image = sum + (size_t)blockIdx.y * channels;
    const auto term = [](float g, float s) {
        const float square = g * g;
        return g <= 0.0f ? 0.0f : g * (square / (2.0f * square + s * (square * g) + 1e-6f));
    };
    sums_over_image(w, g, 1.0f, columns, [&](vec<VEC> gradient, int, int channel) {
        return map<VEC>(term, gradient, columns.load_channels(sum_of_image, channel));
    });
}
