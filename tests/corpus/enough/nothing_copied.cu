// Copies of no bytes read nothing, wherever they point.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[64] empty"
//! x = "f32[10]"
#include "../waited/waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ float s[64];
    int i = threadIdx.x;
    COPY_OR_ZERO(&s[i], x + i, i < 10 ? 4 : 0);
    WAIT_ALL();
    y[i] = s[i];
}
