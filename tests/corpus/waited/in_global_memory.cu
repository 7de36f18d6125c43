// What one warp leaves in global memory, another one takes.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[32] empty"
//! g = "f32[32] empty"
//! x = "f32[32]"
#include "waits.h"
extern "C" __global__ void kernel(float* y, float* g, const float* x) {
    __shared__ unsigned long long bar;
    int i = threadIdx.x;
    if (i == 0) INIT(&bar, 32);
    __syncthreads();
    if (i < 32) {
        g[i] = 2 * x[i];  // ← 1
        ARRIVE(&bar);
    } else {
        WAIT(&bar, 0);  // orders 1
        y[i - 32] = g[63 - i];  // ← 1
    }
}
