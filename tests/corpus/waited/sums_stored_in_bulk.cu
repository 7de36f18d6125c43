// From sums to a tile to global memory.
//! grid = 1
//! block = 128
//! [args]
//! y = "f32[128] empty"
#include "waits.h"
extern "C" __global__ void kernel(float* y) {
    __shared__ alignas(128) unsigned a[512], b[64];
    __shared__ alignas(16) float s[128];
    int i = threadIdx.x;
    for (int k = i; k < 512; k += 128) a[k] = 0x3C003C00;
    if (i < 64) b[i] = 0x40004000;
    FENCE_PROXY();
    __syncthreads();
    float d[4] = {};
    MULTIPLY_FENCE(d);
    MULTIPLY(d, a, b);  // ← 1
    MULTIPLY_COMMIT();
    MULTIPLY_WAIT(0, d);  // orders 1
    s[i] = d[0] + d[1] + d[2] + d[3];  // ← 1 2 3
    FENCE_PROXY();  // orders 2
    __syncthreads();  // orders 3
    if (i == 0) {
        STORE(y, s, 512);  // ← 2 3 4
        BULK_COMMIT();
        BULK_WAIT_READ(0);  // orders 4
    }
}
