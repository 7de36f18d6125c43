// Each lane waits for its copy, then all lanes for each other.
//! grid = 1
//! block = 32
//! [args]
//! y = "f32[32] empty"
//! x = "f32[32]"
#include "waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ float s[32];
    int i = threadIdx.x;
    COPY(4, &s[i], x + i);  // ← 1 2
    WAIT_ALL();  // orders 1
    __syncwarp();  // orders 2
    y[i] = s[31 - i];  // ← 1 2
}
