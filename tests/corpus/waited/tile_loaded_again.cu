// A copy is asked for where a multiply still reads.
//! grid = 1
//! block = 128
//! [args]
//! y = "f32[128] empty"
//! x = "f32[1024]"
#include "waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ unsigned long long bar;
    __shared__ alignas(128) unsigned a[512], b[64];
    int i = threadIdx.x;
    if (i < 64) b[i] = 0x40004000;
    if (i == 0) INIT(&bar, 1);
    FENCE_PROXY();
    __syncthreads();
    float d[4] = {};
    for (int round = 0; round < 2; round++) {
        if (i == 0) {
            EXPECT(&bar, 2048);
            LOAD(a, x + 512 * round, 2048, &bar);  // ← 1 2
        }
        WAIT(&bar, round);  // orders 1
        MULTIPLY_FENCE(d);
        MULTIPLY(d, a, b);  // ← 1 2
        MULTIPLY_COMMIT();
        MULTIPLY_WAIT(0, d);  // orders 2
        __syncthreads();
    }
    y[i] = d[0] + d[1] + d[2] + d[3];
}
