// Groups without copies keep the count the same to the end.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[64] empty"
//! x = "f32[256]"
#include "../waited/waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ float s[2][64];
    int i = threadIdx.x;
    float sum = 0;
    COPY(4, &s[0][i], x + i);
    COMMIT();
    for (int tile = 0; tile < 4; tile++) {
        if (tile < 3) COPY(4, &s[tile + 1 & 1][i], x + 64 * (tile + 1) + i);
        COMMIT();
        WAIT_GROUP(1);
        __syncthreads();
        sum += s[tile & 1][63 - i];
        __syncthreads();
    }
    y[i] = sum;
}
