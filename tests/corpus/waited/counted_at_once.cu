// One lane arrives for 32.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[32] empty"
//! x = "f32[32]"
#include "waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ unsigned long long bar;
    __shared__ float s[32];
    int i = threadIdx.x;
    if (i == 0) INIT(&bar, 32);
    __syncthreads();
    if (i < 32) {
        s[i] = x[i];  // ← 1
        __syncwarp();  // orders 1
        if (i == 0) PTX("mbarrier.arrive.shared.b64 _, [%0], 32;", "r"(SHARED(&bar)));
    } else {
        WAIT(&bar, 0);
        y[i - 32] = s[63 - i];  // ← 1
    }
}
