// One lane stores in bulk what all of its warp have written.
//! grid = 1
//! block = 32
//! [args]
//! y = "f32[32] empty"
//! x = "f32[32]"
#include "waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ alignas(16) float s[32];
    int i = threadIdx.x;
    s[31 - i] = x[i];  // ← 1
    FENCE_PROXY();
    __syncwarp();  // orders 1
    if (i == 0) {
        STORE(y, s, 128);  // ← 1
        BULK_COMMIT();
        BULK_WAIT_READ(0);
    }
}
