// The fence may also stand behind the barrier.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[64] empty"
//! x = "f32[64]"
#include "waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ alignas(16) float s[64];
    int i = threadIdx.x;
    s[i] = 2 * x[i];  // ← 1 2
    __syncthreads();  // orders 2
    if (i == 0) {
        FENCE_PROXY();  // orders 1
        STORE(y, s, 256);  // ← 1 2
        BULK_COMMIT();
        BULK_WAIT_READ(0);
    }
}
