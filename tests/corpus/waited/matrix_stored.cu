// A matrix that the warp stores, then read by single lanes.
//! grid = 1
//! block = 32
//! [args]
//! y = "f32[32] empty"
//! x = "f32[32]"
#include "waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ alignas(16) unsigned s[32];
    int i = threadIdx.x;
    WRITE_MATRIX(s + i % 8 * 4, __float_as_int(x[i]));  // ← 1
    __syncwarp();  // orders 1
    y[i] = __int_as_float(s[31 - i]);  // ← 1
}
