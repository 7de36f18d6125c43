// Nobody arrives at an mbarrier that is not there yet.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[64] empty"
//! x = "f32[64]"
#include "waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ unsigned long long bar;
    __shared__ float s[64];
    int i = threadIdx.x;
    s[i] = x[i];
    if (i == 40) INIT(&bar, 64);  // ← 1
    __syncthreads();  // orders 1
    ARRIVE(&bar);  // ← 1
    WAIT(&bar, 0);
    y[i] = s[63 - i];
}
