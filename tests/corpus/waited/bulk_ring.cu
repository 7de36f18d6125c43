// A warp loads stages that another one empties.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[32] empty"
//! x = "f32[192]"
#include "waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ unsigned long long full[2], empty[2];
    __shared__ alignas(16) float s[2][32];
    int i = threadIdx.x;
    if (i < 2) {
        INIT(&full[i], 1);
        INIT(&empty[i], 32);
    }
    __syncthreads();
    if (i == 0) {
        for (int round = 0; round < 6; round++) {
            WAIT(&empty[round & 1], (round >> 1) + 1 & 1);  // orders 2
            EXPECT(&full[round & 1], 128);
            LOAD(s[round & 1], x + 32 * round, 128, &full[round & 1]);  // ← 1 2
        }
    } else if (i >= 32) {
        float sum = 0;
        for (int round = 0; round < 6; round++) {
            WAIT(&full[round & 1], round >> 1 & 1);  // orders 1
            sum += s[round & 1][63 - i];  // ← 1 2
            ARRIVE(&empty[round & 1]);
        }
        y[i - 32] = sum;
    }
}
