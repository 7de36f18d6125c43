// Adaptive pooling: p × q bins that cover an image of any size.
//
//   average   y[i, j] = mean over rows ⌊i·h/p⌋ … ⌈(i+1)·h/p⌉ − 1 and columns likewise
//   backward  dx[r, s] = Σ dy[i, j] / (pixels of bin i, j) over the bins that hold pixel r, s
//   maximum   y[i, j] = the largest of them; beside it the number of the first pixel that has it, as a float
//   backward  dx[r, s] = Σ dy[i, j] over the bins that hold pixel r, s and whose number is its own
//
// Neighboring bins share a row where p does not divide h, and where the image is smaller than the bins a pixel stands in
// several. Bin i holds row r just if ⌊r·p/h⌋ ≤ i < ⌈(r+1)·p/h⌉: the same formula with h and p exchanged, so that
// backward gathers with the arithmetic of forward and needs no atomics.
//
//   layout    x [n, h, w, c], y [n, p, q, c]
//   defines   VEC (floats per access), WHOLE (1 if c is a multiple of VEC; on a GPU it has to be), THREADS
//   launch    any number of blocks: threads stride over the vectors of channels of all pixels written
//   requires  both tensors' elements, and image side times bins, fit an int; of the maximum, images of at most 2^24 pixels, which
//             floats number without a gap
//   bytes     4 per input and output element; of the maximum, 8 per output element
//   FLOPs     average: one for each pixel of each bin; maximum: none, comparisons
//   limit     memory
#include "prelude/vec.cuh"

// Sizes of one launch, passed by value; the op file fills in the same order.
struct Bins {
    int n, h, w, c;  // images
    int p, q;        // bins
};

struct Range { int first, end; };

// What bin i of `bins` covers of an axis of `length` pixels.
__device__ __forceinline__ Range bin(int i, int length, int bins) {
    return {i * length / bins, ((i + 1) * length + bins - 1) / bins};
}

// Calls body(element, image, row, column, channel, valid) for this thread's vectors of an [n, height, width, c] tensor.
template <class Body> __device__ __forceinline__ void for_each_vector(Bins size, int height, int width, Body body) {
    const int across = (size.c + VEC - 1) / VEC;
    const unsigned vectors = (unsigned)size.n * height * width * across;
    // unsigned: the last step may go beyond 2^31, but not beyond 2^32
    for (unsigned i = blockIdx.x * THREADS + threadIdx.x; i < vectors; i += gridDim.x * THREADS) {
        const int channel = (int)(i % across) * VEC, pixel = (int)(i / across);
        const int column = pixel % width, row = pixel / width % height, image = pixel / width / height;
        body((size_t)pixel * size.c + channel, image, row, column, channel, WHOLE ? VEC : size.c - channel);
    }
}

extern "C" __global__ void __launch_bounds__(THREADS)
adaptive_avg_pool_forward(element* __restrict__ y,        // [n, p, q, c]
                          const element* __restrict__ x,  // [n, h, w, c]
                          Bins size) {
    for_each_vector(size, size.p, size.q, [&](size_t out, int image, int i, int j, int channel, int valid) {
        const Range rows = bin(i, size.h, size.p), columns = bin(j, size.w, size.q);
        vec<VEC> sum = splat<VEC>(0.0f);
        for (int r = rows.first; r < rows.end; ++r) {
            for (int s = columns.first; s < columns.end; ++s) {
                const size_t at = (((size_t)image * size.h + r) * size.w + s) * size.c + channel;
                sum = multiply_add<VEC>(1.0f, load_partial<VEC>(x + at, valid, 0.0f), sum);
            }
        }
        const float scale = 1.0f / ((rows.end - rows.first) * (columns.end - columns.first));
        store_partial<VEC>(y + out, map<VEC>([=](float v) { return v * scale; }, sum), valid);
    });
}

extern "C" __global__ void __launch_bounds__(THREADS)
adaptive_avg_pool_backward(element* __restrict__ dx,        // [n, h, w, c]
                           const element* __restrict__ dy,  // [n, p, q, c]
                           Bins size) {
    for_each_vector(size, size.h, size.w, [&](size_t out, int image, int r, int s, int channel, int valid) {
        const Range bins_down = bin(r, size.p, size.h), bins_across = bin(s, size.q, size.w);
        vec<VEC> sum = splat<VEC>(0.0f);
        for (int i = bins_down.first; i < bins_down.end; ++i) {
            const Range rows = bin(i, size.h, size.p);
#pragma unroll 1  // a handful of bins: unrolled, their divisions spill registers
            for (int j = bins_across.first; j < bins_across.end; ++j) {
                const Range columns = bin(j, size.w, size.q);
                const float scale = 1.0f / ((rows.end - rows.first) * (columns.end - columns.first));
                const size_t at = (((size_t)image * size.p + i) * size.q + j) * size.c + channel;
                sum = multiply_add<VEC>(scale, load_partial<VEC>(dy + at, valid, 0.0f), sum);
            }
        }
        store_partial<VEC>(dx + out, sum, valid);
    });
}

extern "C" __global__ void __launch_bounds__(THREADS)
adaptive_max_pool_forward(element* __restrict__ y,        // [n, p, q, c]
                          float* __restrict__ pixels,     // [n, p, q, c]
                          const element* __restrict__ x,  // [n, h, w, c]
                          Bins size) {
    for_each_vector(size, size.p, size.q, [&](size_t out, int image, int i, int j, int channel, int valid) {
        const Range rows = bin(i, size.h, size.p), columns = bin(j, size.w, size.q);
        vec<VEC> best = splat<VEC>(__int_as_float(0xff800000));  // −∞
        // A bin full of −∞ still has a first maximum.
        vec<VEC> best_pixel = splat<VEC>((float)(rows.first * size.w + columns.first));
        for (int r = rows.first; r < rows.end; ++r) {
            for (int s = columns.first; s < columns.end; ++s) {
                const int pixel = r * size.w + s;
                const size_t at = (((size_t)image * size.h + r) * size.w + s) * size.c + channel;
                const vec<VEC> value = load_partial<VEC>(x + at, valid, 0.0f);
                // Larger only: the first of equals stays. A NaN takes over and nothing is larger than it.
                const auto choose = [=](float v, float b, float p) { return v > b || v != v ? (float)pixel : p; };
                best_pixel = map<VEC>(choose, value, best, best_pixel);
                best = map<VEC>([](float v, float b) { return v > b || v != v ? v : b; }, value, best);
            }
        }
        store_partial<VEC>(y + out, best, valid);
        store_partial<VEC>(pixels + out, best_pixel, valid);
    });
}

extern "C" __global__ void __launch_bounds__(THREADS)
adaptive_max_pool_backward(element* __restrict__ dx,            // [n, h, w, c]
                           const element* __restrict__ dy,      // [n, p, q, c]
                           const float* __restrict__ pixels,    // [n, p, q, c]
                           Bins size) {
    for_each_vector(size, size.h, size.w, [&](size_t out, int image, int r, int s, int channel, int valid) {
        const Range bins_down = bin(r, size.p, size.h), bins_across = bin(s, size.q, size.w);
        const float own = (float)(r * size.w + s);
        vec<VEC> sum = splat<VEC>(0.0f);
        for (int i = bins_down.first; i < bins_down.end; ++i) {
#pragma unroll 1  // a handful of bins
            for (int j = bins_across.first; j < bins_across.end; ++j) {
                const size_t at = (((size_t)image * size.p + i) * size.q + j) * size.c + channel;
                const auto add_if_here = [=](float pixel, float g, float sum) { return pixel == own ? sum + g : sum; };
                sum = map<VEC>(add_if_here, load_partial<VEC>(pixels + at, valid, 0.0f),
                               load_partial<VEC>(dy + at, valid, 0.0f), sum);
            }
        }
        store_partial<VEC>(dx + out, sum, valid);
    });
}
