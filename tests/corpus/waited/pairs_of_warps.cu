// Each pair of warps has a barrier of its own.
//! grid = 1
//! block = 128
//! [args]
//! y = "f32[128] empty"
//! x = "f32[128]"
#include "waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ float s[128];
    int i = threadIdx.x, pair = i / 64;
    s[i] = x[i];  // ← 1
    asm volatile("bar.sync %0, 64;" ::"r"(pair + 1) : "memory");  // orders 1
    y[i] = s[i ^ 63];  // ← 1
}
