// Sums that were changed go into the next multiply behind a fence.
//! grid = 1
//! block = 128
//! [args]
//! y = "f32[128] empty"
//! x = "f32[128]"
#include "waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ alignas(128) unsigned a[512], b[64];
    int i = threadIdx.x;
    for (int k = i; k < 512; k += 128) a[k] = 0x3C003C00;
    if (i < 64) b[i] = 0x40004000;
    FENCE_PROXY();
    __syncthreads();
    float d[4] = {};
    MULTIPLY_FENCE(d);
    MULTIPLY(d, a, b);
    MULTIPLY_COMMIT();
    MULTIPLY_WAIT(0, d);
    for (int k = 0; k < 4; k++) d[k] *= x[i];  // ← 1
    MULTIPLY_FENCE(d);  // orders 1
    MULTIPLY(d, a, b);  // ← 1
    MULTIPLY_COMMIT();
    MULTIPLY_WAIT(0, d);
    y[i] = d[0] + d[1] + d[2] + d[3];
}
