// The first sums are there while the second ones are not.
//! grid = 1
//! block = 128
//! [args]
//! y = "f32[256] empty"
#include "waits.h"
extern "C" __global__ void kernel(float* y) {
    __shared__ alignas(128) unsigned a[512], b[64];
    int i = threadIdx.x;
    for (int k = i; k < 512; k += 128) a[k] = 0x3C003C00;
    if (i < 64) b[i] = 0x40004000;
    FENCE_PROXY();
    __syncthreads();
    float d[4] = {}, e[4] = {};
    MULTIPLY_FENCE(d);
    MULTIPLY_FENCE(e);
    MULTIPLY(d, a, b);  // ← 1
    MULTIPLY_COMMIT();
    MULTIPLY(e, a, b);  // ← 2
    MULTIPLY_COMMIT();
    MULTIPLY_WAIT(1, d);  // orders 1
    y[i] = d[0] + d[1] + d[2] + d[3];  // ← 1
    MULTIPLY_WAIT(0, e);  // orders 2
    y[128 + i] = e[0] + e[1] + e[2] + e[3];  // ← 2
}
