// From warp to warp: the third reads what the first has written.
//! grid = 1
//! block = 96
//! [args]
//! y = "f32[32] empty"
//! x = "f32[32]"
#include "waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ unsigned long long first, second;
    __shared__ float s[32], t[32];
    int i = threadIdx.x, lane = i % 32;
    if (i == 0) {
        INIT(&first, 32);
        INIT(&second, 32);
    }
    __syncthreads();
    if (i < 32) {
        s[lane] = x[lane];  // ← 1 2
        ARRIVE(&first);
    } else if (i < 64) {
        WAIT(&first, 0);  // orders 1
        t[lane] = 2 * s[31 - lane];  // ← 1
        ARRIVE(&second);
    } else {
        WAIT(&second, 0);  // orders 2
        y[lane] = t[lane] + s[lane];  // ← 2
    }
}
