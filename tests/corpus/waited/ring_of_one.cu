// A buffer goes to and fro between two warps: full, then empty again.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[32] empty"
//! x = "f32[128]"
#include "waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ unsigned long long full, empty;
    __shared__ float s[32];
    int i = threadIdx.x;
    if (i == 0) {
        INIT(&full, 32);
        INIT(&empty, 32);
    }
    __syncthreads();
    if (i < 32) {
        for (int round = 0; round < 4; round++) {
            WAIT(&empty, round + 1 & 1);  // orders 2
            s[i] = x[32 * round + i];  // ← 1 2
            ARRIVE(&full);
        }
    } else {
        float sum = 0;
        for (int round = 0; round < 4; round++) {
            WAIT(&full, round & 1);  // orders 1
            sum += s[63 - i];  // ← 1 2
            ARRIVE(&empty);
        }
        y[i - 32] = sum;
    }
}
