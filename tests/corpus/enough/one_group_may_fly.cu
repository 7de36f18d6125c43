// The second of two groups is still in flight.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[64] empty"
//! x = "f32[128]"
#include "../waited/waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ float s[2][64];
    int i = threadIdx.x;
    COPY(4, &s[0][i], x + i);
    COMMIT();
    COPY(4, &s[1][i], x + 64 + i);
    COMMIT();
    WAIT_GROUP(1);
    __syncthreads();
    float first = s[0][63 - i];
    WAIT_ALL();
    y[i] = first + s[1][i];
}
