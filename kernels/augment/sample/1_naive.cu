// Geometric augmentation, rung 1: a thread for each channel of each pixel.
//
//   out[b, y, x, c] = light · picture[p, c] / 255 · 1 / std_c − mean_c / std_c        (p, light) = the map of image b at (x, y)
//
// Crops, flips and rotations of an image are one map, and the picture is read once, between the four pixels around p. Each
// thread loads the map and goes through it by itself, three for one pixel. That is the quantity which rung 2 mends: requests of
// loads.
//
//   layout    images [N, R, C, 3] bytes; indices [≥ offset + B]; stages [B, count, 10], see sampling.cuh; out [B, H, W, 3]
//   defines   none
//   launch    ⌈B H W 3 / 256⌉ blocks of 256 threads
//   requires  an index outside 0 … N − 1 is not followed: its image becomes NaN
//   bytes     15 per pixel: 3 read (four times, out of the cache), 12 written
//   FLOPs     about 3 (20 count + 10) per pixel
//   limit     requests: four bytes and a stage of ten floats for one float of the result
//   measures  requests of loads per pixel
#include "prelude/sampling.cuh"

constexpr int THREADS = 256;

extern "C" __global__ void __launch_bounds__(THREADS)
augment_forward_sample(element* __restrict__ out,                 // [B, H, W, 3]
                       const unsigned char* __restrict__ images,  // [N, R, C, 3]
                       const int* __restrict__ indices,           // [≥ offset + B]
                       const float* __restrict__ stages,          // [B, count, 10]
                       int n, int offset, int batch, int rows, int columns, int height, int width, int count, int edges,
                       float scale0, float scale1, float scale2,  // 1 / (255 std)
                       float shift0, float shift1, float shift2) {  // −mean / std
    const size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
    const size_t values = (size_t)height * width * 3;  // of an image
    const int b = (int)(i / values);
    if (b >= batch) return;
    const int within_image = (int)(i % values), channel = within_image % 3;
    const int index = indices[offset + b];
    const bool known = (unsigned)index < (unsigned)n;

    const Point at = source_point(stages + (size_t)b * count * STAGE, count, (unsigned)edges, rows, columns,
                                  within_image / 3 % width, within_image / 3 / width);
    const unsigned char* picture = images + (size_t)(known ? index : 0) * rows * columns * 3;
    const float value = sample(picture, rows, columns, at, channel);
    const float scale = channel == 0 ? scale0 : channel == 1 ? scale1 : scale2;
    const float shift = channel == 0 ? shift0 : channel == 1 ? shift1 : shift2;
    out[i] = known ? fmaf(value, scale, shift) : __int_as_float(0x7fc00000);  // NaN
}
