// Two sums: one is read while the other one is multiplied.
//! grid = 1
//! block = 128
//! [args]
//! y = "f32[128] empty"
#include "../waited/waits.h"
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
    MULTIPLY(d, a, b);
    MULTIPLY_COMMIT();
    MULTIPLY(e, a, b);
    MULTIPLY_COMMIT();
    MULTIPLY_WAIT(1, d);
    float sum = d[0] + d[1] + d[2] + d[3];
    MULTIPLY_WAIT(0, e);
    y[i] = sum + e[0] + e[1] + e[2] + e[3];
}
