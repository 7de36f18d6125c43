// The first of two stores has read, the second has not.
//! grid = 1
//! block = 32
//! [args]
//! y = "f32[128] empty"
//! x = "f32[128]"
#include "waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ alignas(16) float s[2][32];
    int i = threadIdx.x;
    for (int part = 0; part < 4; part++) {
        if (i == 0) BULK_WAIT_READ(1);  // orders 1
        __syncwarp();
        s[part & 1][i] = 2 * x[32 * part + i];  // ← 1
        FENCE_PROXY();
        __syncwarp();
        if (i == 0) {
            STORE(y + 32 * part, s[part & 1], 128);  // ← 1
            BULK_COMMIT();
        }
    }
    if (i == 0) BULK_WAIT_READ(0);
}
