// What is loaded in bulk was written in global memory by other threads.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[64] empty"
//! g = "f32[64] empty"
//! x = "f32[64]"
#include "waits.h"
extern "C" __global__ void kernel(float* y, float* g, const float* x) {
    __shared__ unsigned long long bar;
    __shared__ alignas(16) float s[64];
    int i = threadIdx.x;
    if (i == 0) INIT(&bar, 1);
    __syncthreads();
    g[i] = 2 * x[i];  // ← 1
    FENCE_PROXY();
    __syncthreads();  // orders 1
    if (i == 0) {
        EXPECT(&bar, 256);
        LOAD(s, g, 256, &bar);  // ← 1
    }
    WAIT(&bar, 0);
    y[i] = s[i];
}
