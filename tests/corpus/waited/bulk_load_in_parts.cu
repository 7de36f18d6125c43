// Two copies that one mbarrier counts.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[64] empty"
//! x = "f32[64]"
#include "waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ unsigned long long bar;
    __shared__ alignas(16) float s[64];
    int i = threadIdx.x;
    if (i == 0) INIT(&bar, 1);
    __syncthreads();
    if (i == 0) {
        EXPECT(&bar, 256);
        LOAD(s, x, 128, &bar);  // ← 1
        LOAD(s + 32, x + 32, 128, &bar);
    }
    WAIT(&bar, 0);  // orders 1
    y[i] = s[i % 32];  // ← 1
}
