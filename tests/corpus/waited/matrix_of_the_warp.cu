// A matrix that the warp has written, read by all of its lanes together.
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
    __syncwarp();  // orders 1
    unsigned part;
    READ_MATRIX(part, s + i % 8 * 4);  // ← 1
    y[i] = __int_as_float(part);
}
