// What the first has written is known to the third by the second, through two kinds of barriers.
//! grid = 1
//! block = 96
//! [args]
//! y = "f32[32] empty"
//! x = "f32[32]"
#include "../waited/waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ unsigned long long bar;
    __shared__ float s[32];
    int i = threadIdx.x, lane = i % 32;
    if (i == 0) INIT(&bar, 32);
    __syncthreads();
    if (i < 32) {
        s[lane] = x[lane];
        ARRIVE(&bar);
    } else if (i < 64) {
        WAIT(&bar, 0);
        BAR_ARRIVE(3, 64);
    } else {
        BAR_SYNC(3, 64);
        y[lane] = s[31 - lane];
    }
}
