// Halves meet by themselves first; then all do.
//! grid = 1
//! block = 128
//! [args]
//! y = "f32[128] empty"
//! x = "f32[128]"
#include "waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ float s[128];
    int i = threadIdx.x;
    s[i] = x[i];  // ← 1
    asm volatile("bar.sync %0, 64;" ::"r"(i / 64 + 1) : "memory");  // orders 1
    float sum = s[i] + s[i ^ 63];  // ← 1 2
    __syncthreads();  // orders 2
    s[127 - i] = sum;  // ← 2
    __syncthreads();
    y[i] = s[i];
}
