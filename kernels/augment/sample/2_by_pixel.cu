// Geometric augmentation, rung 2: a thread for each pixel, four in a row.
//
//   out[b, y, x, c] = light · picture[p, c] / 255 · 1 / std_c − mean_c / std_c        (p, light) = the map of image b at (x, y)
//
// Over rung 1 (a thread for each channel) the three channels of a pixel share its place in the picture: the map is loaded and gone
// through once, and the four pixels around are found once. That is the quantity: requests of loads, less than half. Four pixels
// make twelve floats, which three accesses of 16 bytes write.
//
//   layout    images [N, R, C, 3] bytes; indices [≥ offset + B]; stages [B, count, 10], see sampling.cuh; out [B, H, W, 3]
//   defines   THREADS
//   launch    grid (B, parts), THREADS threads: the blocks of a column of the grid share an image
//   requires  an index outside 0 … N − 1 is not followed: its image becomes NaN
//   bytes     15 per pixel: 3 read (four times, out of the cache), 12 written
//   FLOPs     about 20 count + 30 per pixel
//   limit     requests: twelve of bytes for each pixel
//   measures  requests of loads per pixel: less than half of rung 1's
#include "prelude/sampling.cuh"

constexpr int PIXELS = 4;  // per thread and step

extern "C" __global__ void __launch_bounds__(THREADS)
augment_forward_sample(element* __restrict__ out,                 // [B, H, W, 3]
                       const unsigned char* __restrict__ images,  // [N, R, C, 3]
                       const int* __restrict__ indices,           // [≥ offset + B]
                       const float* __restrict__ stages,          // [B, count, 10]
                       int n, int offset, int rows, int columns, int height, int width, int count, int edges,
                       float scale0, float scale1, float scale2,  // 1 / (255 std)
                       float shift0, float shift1, float shift2) {  // −mean / std
    const int pixels = height * width;
    const int index = indices[offset + (int)blockIdx.x];
    const bool known = (unsigned)index < (unsigned)n;
    const float missing = __int_as_float(0x7fc00000);  // NaN
    const float scale[3] = {scale0, scale1, scale2};
    const float shift[3] = {known ? shift0 : missing, known ? shift1 : missing, known ? shift2 : missing};
    const unsigned char* picture = images + (size_t)(known ? index : 0) * rows * columns * 3;
    const float* own = stages + (size_t)blockIdx.x * count * STAGE;
    const size_t start = (size_t)blockIdx.x * pixels;  // this image's first pixel in the output
    const bool aligned = start % 4 == 0;               // then 12-float groups start on 16 bytes

    const int stride = (int)gridDim.y * THREADS * PIXELS;
    for (int p = ((int)blockIdx.y * THREADS + (int)threadIdx.x) * PIXELS; p < pixels; p += stride) {
        float value[3 * PIXELS];
        int y = p / width, x = p % width;  // of the group's first pixel; the others follow by counting
        UNROLL for (int i = 0; i < PIXELS; ++i) {
            // Pixels past the last have a place in the picture as well, and are not stored.
            const Point at = source_point(own, count, (unsigned)edges, rows, columns, x, y);
            UNROLL for (int c = 0; c < 3; ++c) {
                value[3 * i + c] = fmaf(sample(picture, rows, columns, at, c), scale[c], shift[c]);
            }
            if (++x == width) x = 0, ++y;
        }
        element* to = out + (start + p) * 3;
        const int valid = min(pixels - p, PIXELS) * 3;  // floats of this group that exist
        UNROLL for (int v = 0; v < 3 * PIXELS; v += 4) {
            vec<4> four;
            UNROLL for (int i = 0; i < 4; ++i) four[i] = value[v + i];
            if (aligned) store_partial<4>(to + v, four, valid - v);
            else store_partial<4, 1>(to + v, four, valid - v);
        }
    }
}
