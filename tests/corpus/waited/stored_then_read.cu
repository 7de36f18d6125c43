// What was stored in bulk is read in global memory once it is there.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[64] empty"
//! g = "f32[64] empty"
//! x = "f32[64]"
#include "waits.h"
extern "C" __global__ void kernel(float* y, float* g, const float* x) {
    __shared__ alignas(16) float s[64];
    int i = threadIdx.x;
    s[i] = 2 * x[i];
    FENCE_PROXY();
    __syncthreads();
    if (i == 0) {
        STORE(g, s, 256);  // ← 1 2
        BULK_COMMIT();
        BULK_WAIT(0);  // orders 1
    }
    __syncthreads();  // orders 2
    y[i] = g[63 - i];  // ← 1 2
}
