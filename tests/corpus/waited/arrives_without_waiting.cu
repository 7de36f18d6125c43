// A warp arrives and goes on, the other one waits for it.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[32] empty"
//! x = "f32[32]"
#include "waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ float s[32];
    int i = threadIdx.x;
    if (i < 32) {
        s[i] = x[i];  // ← 1
        BAR_ARRIVE(1, 64);
    } else {
        BAR_SYNC(1, 64);  // orders 1
        y[i - 32] = s[63 - i];  // ← 1
    }
}
