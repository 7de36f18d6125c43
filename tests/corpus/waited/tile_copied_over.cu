// A tile is copied over the one before, which others may still read.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[64] empty"
//! x = "f32[192]"
#include "waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ float s[64];
    int i = threadIdx.x;
    float sum = 0;
    for (int tile = 0; tile < 3; tile++) {
        COPY(4, &s[i], x + 64 * tile + i);  // ← 1 2
        WAIT_ALL();
        __syncthreads();  // orders 1
        sum += s[63 - i];  // ← 1 2
        __syncthreads();  // orders 2
    }
    y[i] = sum;
}
