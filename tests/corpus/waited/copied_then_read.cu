// Each thread reads what it copied itself.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[64] empty"
//! x = "f32[64]"
#include "waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ float s[64];
    int i = threadIdx.x;
    COPY(4, &s[i], x + i);  // ← 1
    COMMIT();
    WAIT_GROUP(0);  // orders 1
    y[i] = s[i];  // ← 1
}
