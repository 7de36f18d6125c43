// The second copy goes where the first one is still read.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[64] empty"
//! x = "f32[128]"
#include "waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ unsigned long long bar[2];
    __shared__ alignas(16) float s[64];
    int i = threadIdx.x;
    if (i < 2) INIT(&bar[i], 1);
    __syncthreads();
    float sum = 0;
    for (int tile = 0; tile < 2; tile++) {
        if (i == 0) {
            EXPECT(&bar[tile], 256);
            LOAD(s, x + 64 * tile, 256, &bar[tile]);  // ← 1 2
        }
        WAIT(&bar[tile], 0);  // orders 1
        sum += s[63 - i];  // ← 1 2
        __syncthreads();  // orders 2
    }
    y[i] = sum;
}
