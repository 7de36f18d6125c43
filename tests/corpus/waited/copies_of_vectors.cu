// Copies of 16 bytes, of which each thread then reads another part.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[64] empty"
//! x = "f32[64]"
#include "waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ float4 s[16];
    int i = threadIdx.x;
    if (i < 16) COPY(16, &s[i], x + 4 * i);  // ← 1 2
    COMMIT();
    WAIT_GROUP(0);  // orders 1
    __syncthreads();  // orders 2
    const float* words = (const float*)s;
    y[i] = words[63 - i];  // ← 1 2
}
