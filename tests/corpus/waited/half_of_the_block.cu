// Two of four warps meet at a barrier of their own.
//! grid = 1
//! block = 128
//! [args]
//! y = "f32[64] empty"
//! x = "f32[64]"
#include "waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ float s[64];
    int i = threadIdx.x;
    if (i < 64) {
        s[i] = x[i];  // ← 1
        BAR_SYNC(1, 64);  // orders 1
        y[i] = s[63 - i];  // ← 1
    }
}
