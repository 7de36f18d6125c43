// Before the block ends a store must have read; that it has written is the driver's business.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[64] empty"
//! x = "f32[64]"
#include "../waited/waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ alignas(16) float s[64];
    int i = threadIdx.x;
    s[i] = 2 * x[i];
    FENCE_PROXY();
    __syncthreads();
    if (i == 0) {
        STORE(y, s, 256);
        BULK_COMMIT();
        BULK_WAIT_READ(0);
    }
}
