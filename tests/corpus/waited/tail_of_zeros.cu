// Copies beyond the end bring zeros; they have to be waited for as well.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[64] empty"
//! x = "f32[40]"
#include "waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ float s[64];
    int i = threadIdx.x;
    COPY_OR_ZERO(&s[i], x + (i < 40 ? i : 0), i < 40 ? 4 : 0);  // ← 1
    COMMIT();
    WAIT_GROUP(0);  // orders 1
    y[i] = s[i];  // ← 1
}
