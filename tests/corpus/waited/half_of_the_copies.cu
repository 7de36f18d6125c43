// Who copies for another warp waits before it says so.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[64] empty"
//! x = "f32[64]"
#include "waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ float s[64];
    int i = threadIdx.x;
    if (i < 32) {
        COPY(8, &s[2 * i], x + 2 * i);  // ← 1 2
        COMMIT();
        WAIT_GROUP(0);  // orders 1
    }
    __syncthreads();  // orders 2
    y[i] = s[i];  // ← 1 2
}
