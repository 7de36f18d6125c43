// What is copied was written by other threads, in global memory.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[64] empty"
//! g = "f32[64] empty"
//! x = "f32[64]"
#include "waits.h"
extern "C" __global__ void kernel(float* y, float* g, const float* x) {
    __shared__ float s[64];
    int i = threadIdx.x;
    g[63 - i] = x[i];  // ← 1
    __syncthreads();  // orders 1
    COPY(4, &s[i], g + i);  // ← 1
    WAIT_ALL();
    y[i] = s[i];
}
