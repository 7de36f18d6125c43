// Tiles that threads wrote: all have to be done, and a fence is between the two ways to memory.
//! grid = 1
//! block = 128
//! [args]
//! y = "f32[128] empty"
#include "waits.h"
extern "C" __global__ void kernel(float* y) {
    __shared__ alignas(128) unsigned a[512], b[64];
    int i = threadIdx.x;
    for (int k = i; k < 512; k += 128) a[k] = 0x3C003C00;  // ← 1 2
    if (i < 64) b[i] = 0x40004000;
    FENCE_PROXY();  // orders 1
    __syncthreads();  // orders 2
    float d[4] = {};
    MULTIPLY_FENCE(d);
    MULTIPLY(d, a, b);  // ← 1 2
    MULTIPLY_COMMIT();
    MULTIPLY_WAIT(0, d);
    y[i] = d[0] + d[1] + d[2] + d[3];
}
