// Threads read what others copied: each waits for its own copy, then all for each other.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[64] empty"
//! x = "f32[64]"
#include "waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ float s[64];
    int i = threadIdx.x;
    COPY(4, &s[i], x + i);  // ← 1 2
    WAIT_ALL();  // orders 1
    __syncthreads();  // orders 2
    y[i] = s[63 - i];  // ← 1 2
}
