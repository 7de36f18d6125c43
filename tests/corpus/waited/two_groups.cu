// The first group is read while the second is still in flight.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[64] empty"
//! x = "f32[128]"
#include "waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ float s[2][64];
    int i = threadIdx.x;
    COPY(4, &s[0][i], x + i);  // ← 1
    COMMIT();
    COPY(4, &s[1][i], x + 64 + i);  // ← 2
    COMMIT();
    WAIT_GROUP(1);  // orders 1
    float first = s[0][i];  // ← 1
    WAIT_GROUP(0);  // orders 2
    y[i] = first + s[1][i];  // ← 2
}
