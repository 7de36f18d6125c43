// Sums begin with what was loaded.
//! grid = 1
//! block = 128
//! [args]
//! y = "f32[128] empty"
//! x = "f32[512]"
#include "waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ alignas(128) unsigned a[512], b[64];
    int i = threadIdx.x;
    for (int k = i; k < 512; k += 128) a[k] = 0x3C003C00;
    if (i < 64) b[i] = 0x40004000;
    FENCE_PROXY();
    __syncthreads();
    float none[4] = {};
    MULTIPLY_FENCE(none);
    float d[4];
    for (int k = 0; k < 4; k++) d[k] = x[128 * k + i];  // ← 1
    MULTIPLY_FENCE(d);  // orders 1
    MULTIPLY(d, a, b);  // ← 1
    MULTIPLY_COMMIT();
    MULTIPLY_WAIT(0, d);
    y[i] = d[0] + d[1] + d[2] + d[3] + none[0];
}
