// What is added in bulk is read from shared memory until it was waited for.
//! grid = 1
//! block = 64
//! [args]
//! z = "f32[64] zeros"
//! x = "f32[64]"
#include "waits.h"
extern "C" __global__ void kernel(float* z, const float* x) {
    __shared__ alignas(16) float s[64];
    int i = threadIdx.x;
    s[i] = x[i];  // ← 1 2
    FENCE_PROXY();  // orders 1
    __syncthreads();  // orders 2
    if (i == 0) {
        ADD(z, s, 256);  // ← 1 2 3
        BULK_COMMIT();
        BULK_WAIT_READ(0);  // orders 3
    }
}
