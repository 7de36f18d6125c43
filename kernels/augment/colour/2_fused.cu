// Colour augmentation, rung 2: all transforms of a pixel in registers.
//
//   v = colour(… colour(colour(x))), out[…, c] = v_c · 1 / std_c − mean_c / std_c        see prelude/colour.cuh
//
// Over rung 1 (a launch for each transform) a pixel is loaded once, goes through all transforms, is normalized and stored. That
// is the quantity: requests of loads and stores. Contrast needs the mean grey of the image as the transforms before it left it:
// then a block has the whole image, goes over it once for the sum and once more, out of the cache, for the result.
//
//   layout    x, out [B, H, W, 3]; table [B, count, 4], see colour.cuh
//   defines   THREADS
//   launch    grid (B, parts); one part where there is contrast
//   bytes     24 per pixel, 12 more read for contrast's sum
//   FLOPs     about 10 per pixel and transform, 40 of the hue; those before contrast twice
//   limit     memory
//   measures  requests of loads and stores per pixel and transform
#include "prelude/colour.cuh"
#include "prelude/reduce.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
augment_forward_colour(element* __restrict__ out,        // [B, H, W, 3]
                       const float* __restrict__ x,      // [B, H, W, 3]
                       const float* __restrict__ table,  // [B, count, 4]
                       int pixels, int width, int count, int kinds,
                       int contrast,                              // its place in the order; count if there is none
                       float scale0, float scale1, float scale2,  // 1 / std
                       float shift0, float shift1, float shift2) {  // −mean / std
    const float* own = table + (size_t)blockIdx.x * count * FACTORS;
    const size_t start = (size_t)blockIdx.x * pixels * 3;
    // Pixel p after the first `some` transforms.
    const auto pixel = [&](int p, int some, float mean) {
        Colour value = load_colour(x + start + 3 * p);
        for (int i = 0; i < some; ++i) {
            value = recoloured(value, (unsigned)kinds >> 4 * i & 15, own + i * FACTORS, mean, p % width, p / width);
        }
        return value;
    };
    float mean = 0.0f;
    if (contrast < count) {  // alike for the whole block
        double sum = 0.0;    // the mean is as good as its pixels are
        for (int p = (int)threadIdx.x; p < pixels; p += THREADS) sum += (double)grey_of(pixel(p, contrast, 0.0f));
        mean = block_sum((float)sum) / pixels;
    }
    const int stride = (int)gridDim.y * THREADS;
    for (int p = (int)(blockIdx.y * THREADS + threadIdx.x); p < pixels; p += stride) {
        const Colour value = pixel(p, count, mean);
        element* to = out + start + 3 * p;
        to[0] = fmaf(value.r, scale0, shift0);
        to[1] = fmaf(value.g, scale1, shift1);
        to[2] = fmaf(value.b, scale2, shift2);
    }
}
