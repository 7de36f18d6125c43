// Mixing the images of a batch: each with the one before it, the first with the last.
//
//   out[b, y, x] = weight · in[b, y, x] + (1 − weight) · in[b − 1, y, x]   inside a rectangle, in[b, y, x] outside of it
//
// Mixup's rectangle is the whole image; cutmix's weight is 0. The pairs are those of torchvision's MixUp and CutMix.
//
//   layout    in, out [B, H, W, 3]
//   defines   THREADS
//   launch    grid (B, H): a block for each row
//   bytes     up to 12 per element
//   FLOPs     2 per element inside
//   limit     memory
#include "prelude/vec.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
augment_forward_mix(element* __restrict__ out,       // [B, H, W, 3]
                    const element* __restrict__ in,  // [B, H, W, 3]
                    int batch, int height, int width, int left, int right, int top, int bottom, float weight) {
    const int b = (int)blockIdx.x, y = (int)blockIdx.y, other = b == 0 ? batch - 1 : b - 1;
    const size_t row = ((size_t)b * height + y) * width * 3, other_row = ((size_t)other * height + y) * width * 3;
    const bool crossed = y >= top && y < bottom;
    for (int i = (int)threadIdx.x; i < 3 * width; i += THREADS) {
        const float own = in[row + i];
        const bool inside = crossed && i >= 3 * left && i < 3 * right;
        out[row + i] = inside ? fmaf(weight, own, (1.0f - weight) * in[other_row + i]) : own;
    }
}
