// Halves of a block meet by themselves, in parts of an array of their own.
//! grid = 1
//! block = 128
//! [args]
//! y = "f32[128] empty"
//! x = "f32[128]"
#include "../waited/waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ float s[128];
    int i = threadIdx.x;
    for (int round = 0; round < 3; round++) {
        s[i] = x[i] + round;
        asm volatile("bar.sync %0, 64;" ::"r"(i / 64 + 1) : "memory");
        y[i] = s[i ^ 63];
        asm volatile("bar.sync %0, 64;" ::"r"(i / 64 + 1) : "memory");
    }
}
