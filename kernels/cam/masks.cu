// Score-CAM's masks: each channel of a layer's output, enlarged to the size of the image and brought to 0 … 1, times that image.
//
//   extremes  low[c], high[c] = the least and the largest of up(a)[p, c] over all pixels p of the image
//   masked    y[b, p, k] = x[p, k] · (up(a)[p, c] − low[c]) / (high[c] − low[c] + 1e-8), c = first + b
//
// up is bilinear with the corners' pixels on the corners (PyTorch's UpsamplingBilinear2d); what is enlarged is never kept.
//
//   layout    a [h · w, channels] of one image, x [height · width, depth], y [count, height · width, depth]
//   defines   see elementwise.cuh; of `masked` VEC is 1, of `extremes` it divides channels, but on the host
//   launch    see elementwise.cuh, `extremes` over the channels, `masked` over count · height · width
//   bytes     extremes 16 · height · width · channels (mostly from cache); masked 4 · (4 + 2 · depth) per pixel
//   FLOPs     8 and 11 + depth per pixel
//   limit     memory
//   source    H. Wang and others, "Score-CAM", 2020; 1e-8 and the enlarging are pytorch-grad-cam's
#include "prelude/elementwise.cuh"

// Between which pixels of a [h, w] a pixel of the image lies, and how far from the first of them.
struct Corners {
    int at[4];
    float down, along;

    __device__ __forceinline__ Corners(int row, int column, int h, int w, float step_down, float step_along) {
        const float y = step_down * row, x = step_along * column;
        const int top = min((int)y, h - 1), left = min((int)x, w - 1);
        const int below = min(top + 1, h - 1), right = min(left + 1, w - 1);
        down = y - top, along = x - left;
        at[0] = top * w + left, at[1] = top * w + right;
        at[2] = below * w + left, at[3] = below * w + right;
    }

    // By differences: between equal values lies the same value to the last bit, so that a channel that is even stays it.
    __device__ __forceinline__ float between(float a, float b, float c, float d) const {
        const float upper = fmaf(along, b - a, a), lower = fmaf(along, d - c, c);
        return fmaf(down, lower - upper, upper);
    }
};

extern "C" __global__ void __launch_bounds__(THREADS)
cam_forward_extremes(float* __restrict__ low,      // [channels]
                     float* __restrict__ high,     // [channels]
                     const float* __restrict__ a,  // [h * w, channels]
                     int channels, int h, int w, int height, int width, float step_down, float step_along) {
    for_each_vector(channels, [&](int channel, int valid) {
        vec<VEC> least = splat<VEC>(INFINITY), largest = splat<VEC>(-INFINITY);
        for (int row = 0; row < height; ++row) {
            for (int column = 0; column < width; ++column) {
                const Corners corners(row, column, h, w, step_down, step_along);
                vec<VEC> of[4];
                UNROLL for (int i = 0; i < 4; ++i) {
                    of[i] = load_partial<VEC>(a + (size_t)corners.at[i] * channels + channel, valid, 0.0f);
                }
                const auto between = [&](float a, float b, float c, float d) { return corners.between(a, b, c, d); };
                const vec<VEC> value = map<VEC>(between, of[0], of[1], of[2], of[3]);
                // A NaN is neither; it shows where the channel is a mask.
                least = map<VEC>([](float v, float so_far) { return v < so_far ? v : so_far; }, value, least);
                largest = map<VEC>([](float v, float so_far) { return v > so_far ? v : so_far; }, value, largest);
            }
        }
        store_partial<VEC>(low + channel, least, valid);
        store_partial<VEC>(high + channel, largest, valid);
    });
}

extern "C" __global__ void __launch_bounds__(THREADS)
cam_forward_masked(float* __restrict__ y,           // [count, height * width, depth]
                   const float* __restrict__ x,     // [height * width, depth]
                   const float* __restrict__ a,     // [h * w, channels]
                   const float* __restrict__ low,   // [channels]
                   const float* __restrict__ high,  // [channels]
                   int pixels, int first, int channels, int depth, int h, int w, int height, int width, float step_down,
                   float step_along) {
    for_each_vector(pixels, [&](int i, int) {
        const int of_image = i % (height * width);
        const int channel = first + i / (height * width);
        const Corners corners(of_image / width, of_image % width, h, w, step_down, step_along);
        float of[4];
        UNROLL for (int j = 0; j < 4; ++j) of[j] = a[(size_t)corners.at[j] * channels + channel];
        const float value = corners.between(of[0], of[1], of[2], of[3]);
        const float mask = (value - low[channel]) / (high[channel] - low[channel] + 1e-8f);
        const float* from = x + (size_t)of_image * depth;
        float* to = y + (size_t)i * depth;
        for (int k = 0; k < depth; ++k) to[k] = mask * from[k];
    });
}
