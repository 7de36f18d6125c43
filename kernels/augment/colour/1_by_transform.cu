// Colour augmentation, rung 1: a launch for each transform.
//
//   v = colour(… colour(colour(x))), out[…, c] = v_c · 1 / std_c − mean_c / std_c        see prelude/colour.cuh
//
// A thread takes a pixel and does one transform to it; a last launch normalizes. Contrast needs the mean grey of the image as
// the transforms before it left it, a launch of its own. Between launches the whole batch goes to memory and back: that is the
// quantity which rung 2 mends, requests of loads and stores.
//
//   layout    x, out [B, H, W, 3]; table [B, count, 4], see colour.cuh; means [B]
//   defines   THREADS
//   launch    ⌈B H W / THREADS⌉ blocks; the means: B blocks
//   bytes     24 per pixel and transform, 12 for the means, 24 to normalize
//   FLOPs     about 10 per pixel and transform, 40 of the hue
//   limit     memory
//   measures  requests of loads and stores: six for each transform
#include "prelude/colour.cuh"
#include "prelude/reduce.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
augment_forward_mean(float* __restrict__ means,    // [B]
                     const float* __restrict__ x,  // [B, H, W, 3]
                     int pixels) {
    const float* image = x + (size_t)blockIdx.x * pixels * 3;
    double sum = 0.0;  // the mean is as good as its pixels are
    for (int p = (int)threadIdx.x; p < pixels; p += THREADS) sum += (double)grey_of(load_colour(image + 3 * p));
    const float total = block_sum((float)sum);
    if (threadIdx.x == 0) means[blockIdx.x] = total / pixels;
}

// The transform number `at` of `count`, of kind `kind`.
extern "C" __global__ void __launch_bounds__(THREADS)
augment_forward_recolour(float* __restrict__ out,          // [B, H, W, 3]
                         const float* __restrict__ x,      // [B, H, W, 3]
                         const float* __restrict__ table,  // [B, count, 4]
                         const float* __restrict__ means,  // [B]; contrast alone reads it
                         int batch, int pixels, int width, int count, int at, int kind) {
    const size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
    const int b = (int)(i / pixels), p = (int)(i % pixels);
    if (b >= batch) return;
    const float mean = kind == CONTRAST ? means[b] : 0.0f;
    const float* own = table + ((size_t)b * count + at) * FACTORS;
    const Colour to = recoloured(load_colour(x + 3 * i), (unsigned)kind, own, mean, p % width, p / width);
    out[3 * i] = to.r;
    out[3 * i + 1] = to.g;
    out[3 * i + 2] = to.b;
}

extern "C" __global__ void __launch_bounds__(THREADS)
augment_forward_normalize(element* __restrict__ out,    // [B, H, W, 3]
                          const float* __restrict__ x,  // [B, H, W, 3]
                          int batch, int pixels,
                          float scale0, float scale1, float scale2,  // 1 / std
                          float shift0, float shift1, float shift2) {  // −mean / std
    const size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
    if (i >= (size_t)batch * pixels) return;
    const Colour from = load_colour(x + 3 * i);
    out[3 * i] = fmaf(from.r, scale0, shift0);
    out[3 * i + 1] = fmaf(from.g, scale1, shift1);
    out[3 * i + 2] = fmaf(from.b, scale2, shift2);
}
