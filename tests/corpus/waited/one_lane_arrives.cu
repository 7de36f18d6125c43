// One lane arrives for its warp, after all of it have met.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[32] empty"
//! x = "f32[32]"
#include "waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ unsigned long long bar;
    __shared__ float s[32];
    int i = threadIdx.x;
    if (i == 0) INIT(&bar, 1);
    __syncthreads();
    if (i < 32) {
        s[i] = x[i];  // ← 1 2
        __syncwarp();  // orders 1
        if (i == 0) ARRIVE(&bar);
    } else {
        WAIT(&bar, 0);  // orders 2
        y[i - 32] = s[63 - i];  // ← 1 2
    }
}
