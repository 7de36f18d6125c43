// The same mbarrier, used twice: once written, once read.
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
    if (i == 0) INIT(&bar, 64);
    __syncthreads();
    s[i] = x[i];  // ← 1
    ARRIVE(&bar);
    WAIT(&bar, 0);  // orders 1
    float other = s[63 - i];  // ← 1 2
    ARRIVE(&bar);
    WAIT(&bar, 1);  // orders 2
    s[i] = 2 * other;  // ← 2
    y[i] = s[i];
}
