// Only one thread knows that the store has read; the others wait for it.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[128] empty"
//! x = "f32[64]"
#include "waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ alignas(16) float s[64];
    int i = threadIdx.x;
    s[i] = 2 * x[i];
    FENCE_PROXY();
    __syncthreads();
    if (i == 0) {
        STORE(y, s, 256);  // ← 1
        BULK_COMMIT();
        BULK_WAIT_READ(0);
    }
    __syncthreads();  // orders 1
    s[i] = 3 * x[i];  // ← 1
    y[64 + i] = s[i];
}
