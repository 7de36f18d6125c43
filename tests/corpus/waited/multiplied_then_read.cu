// Sums of a multiply are there once its group was waited for.
//! grid = 1
//! block = 128
//! [args]
//! y = "f32[128] empty"
#include "waits.h"
extern "C" __global__ void kernel(float* y) {
    __shared__ alignas(128) unsigned a[512], b[64];
    int i = threadIdx.x;
    for (int k = i; k < 512; k += 128) a[k] = 0x3C003C00;
    if (i < 64) b[i] = 0x40004000;
    FENCE_PROXY();
    __syncthreads();
    float d[4] = {};
    MULTIPLY_FENCE(d);  // orders 1
    MULTIPLY(d, a, b);  // ← 1 2 3
    MULTIPLY_COMMIT();  // orders 2
    MULTIPLY_WAIT(0, d);  // orders 3
    y[i] = d[0] + d[1] + d[2] + d[3];  // ← 2 3
}
