// One factor is in registers, which the fence is for, too.
//! grid = 1
//! block = 128
//! [args]
//! y = "f32[128] empty"
//! x = "f32[512]"
#include "waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ alignas(128) unsigned b[64];
    int i = threadIdx.x;
    if (i < 64) b[i] = 0x40004000;
    FENCE_PROXY();
    __syncthreads();
    float d[4] = {};
    MULTIPLY_FENCE(d);
    unsigned a[4];
    for (int k = 0; k < 4; k++) a[k] = __float_as_uint(x[128 * k + i]);  // ← 1
    MULTIPLY_FENCE(d);  // orders 1
    MULTIPLY_REGISTERS(d, a, b);  // ← 1 2
    MULTIPLY_COMMIT();
    MULTIPLY_WAIT(0, d);  // orders 2
    y[i] = d[0] + d[1] + d[2] + d[3];  // ← 2
}
