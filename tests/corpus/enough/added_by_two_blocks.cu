// Two blocks add in bulk to the same place.
//! grid = 2
//! block = 64
//! [args]
//! z = "f32[64] zeros"
//! x = "f32[128]"
#include "../waited/waits.h"
extern "C" __global__ void kernel(float* z, const float* x) {
    __shared__ alignas(16) float s[64];
    int i = threadIdx.x;
    s[i] = x[64 * blockIdx.x + i];
    FENCE_PROXY();
    __syncthreads();
    if (i == 0) {
        ADD(z, s, 256);
        BULK_COMMIT();
        BULK_WAIT(0);
    }
}
