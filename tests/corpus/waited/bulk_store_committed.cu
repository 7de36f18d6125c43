// A group that is not closed is not waited for.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[64] empty"
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
        BULK_COMMIT();  // orders 1
        BULK_WAIT(0);
    }
}
