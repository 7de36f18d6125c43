// A tile is not written again before its multiply is done.
//! grid = 1
//! block = 128
//! [args]
//! y = "f32[128] empty"
#include "waits.h"
extern "C" __global__ void kernel(float* y) {
    __shared__ alignas(128) unsigned a[512], b[64];
    int i = threadIdx.x;
    if (i < 64) b[i] = 0x40004000;
    float d[4] = {};
    for (int round = 0; round < 3; round++) {
        for (int k = i; k < 512; k += 128) a[k] = 0x3C003C00 + round;  // ← 1
        FENCE_PROXY();
        __syncthreads();
        MULTIPLY_FENCE(d);
        MULTIPLY(d, a, b);  // ← 1
        MULTIPLY_COMMIT();
        MULTIPLY_WAIT(0, d);  // orders 1
        __syncthreads();
    }
    y[i] = d[0] + d[1] + d[2] + d[3];
}
