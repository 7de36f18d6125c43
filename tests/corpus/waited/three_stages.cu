// A pipeline of three stages: two copies in flight while the third is used.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[64] empty"
//! x = "f32[512]"
#include "waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ float s[3][64];
    int i = threadIdx.x;
    float sum = 0;
    for (int tile = 0; tile < 8; tile++) {
        if (tile < 2) {
            COPY(4, &s[tile][i], x + 64 * tile + i);
            COMMIT();
            continue;
        }
        COPY(4, &s[tile % 3][i], x + 64 * tile + i);  // ← 1
        COMMIT();
        WAIT_GROUP(2);
        __syncthreads();
        sum += s[(tile + 1) % 3][63 - i];  // ← 1
        __syncthreads();  // orders 1
    }
    WAIT_ALL();
    y[i] = sum;
}
