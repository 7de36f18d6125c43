// Two stages between two warps.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[32] empty"
//! x = "f32[192]"
#include "waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ unsigned long long full[2], empty[2];
    __shared__ float s[2][32];
    int i = threadIdx.x;
    if (i < 2) {
        INIT(&full[i], 32);
        INIT(&empty[i], 32);
    }
    __syncthreads();
    if (i < 32) {
        for (int round = 0; round < 6; round++) {
            WAIT(&empty[round & 1], (round >> 1) + 1 & 1);  // orders 2
            s[round & 1][i] = x[32 * round + i];  // ← 1 2
            ARRIVE(&full[round & 1]);
        }
    } else {
        float sum = 0;
        for (int round = 0; round < 6; round++) {
            WAIT(&full[round & 1], round >> 1 & 1);  // orders 1
            sum += s[round & 1][63 - i];  // ← 1 2
            ARRIVE(&empty[round & 1]);
        }
        y[i - 32] = sum;
    }
}
