// The warp that copies has left when the other one waits.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[32] empty"
//! x = "f32[32]"
#include "../waited/waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ unsigned long long bar;
    __shared__ float s[32];
    int i = threadIdx.x;
    if (i == 0) INIT(&bar, 32);
    __syncthreads();
    if (i < 32) {
        COPY(4, &s[i], x + i);
        COPIES_ARRIVE(&bar);
        return;
    }
    WAIT(&bar, 0);
    y[i - 32] = s[63 - i];
}
