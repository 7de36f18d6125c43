// What is being stored is not written again before it was read.
//! grid = 1
//! block = 32
//! [args]
//! y = "f32[64] empty"
//! x = "f32[64]"
#include "waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ alignas(16) float s[32];
    int i = threadIdx.x;
    for (int part = 0; part < 2; part++) {
        s[i] = 2 * x[32 * part + i];  // ← 1 2 3
        FENCE_PROXY();  // orders 2
        __syncwarp();  // orders 3
        if (i == 0) {
            STORE(y + 32 * part, s, 128);  // ← 1 2 3
            BULK_COMMIT();
            BULK_WAIT_READ(0);  // orders 1
        }
        __syncwarp();
    }
}
