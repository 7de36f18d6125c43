// No barrier of the block but the first.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[64] empty"
//! x = "f32[64]"
#include "../waited/waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ unsigned long long bar;
    __shared__ float s[64];
    int i = threadIdx.x;
    if (i == 0) INIT(&bar, 64);
    __syncthreads();
    float sum = x[i];
    for (int round = 0; round < 4; round++) {
        s[i] = sum;
        ARRIVE(&bar);
        WAIT(&bar, 0);
        sum += s[63 - i];
        ARRIVE(&bar);
        WAIT(&bar, 1);
    }
    y[i] = sum;
}
