// A warp arrives for the last time; the other one goes on alone.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[32] empty"
//! x = "f32[64]"
#include "waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ unsigned long long bar;
    __shared__ float s[64];
    int i = threadIdx.x;
    if (i == 0) INIT(&bar, 64);
    __syncthreads();
    s[i] = x[i];  // ← 1
    if (i < 32) {
        PTX("mbarrier.arrive_drop.shared.b64 _, [%0];", "r"(SHARED(&bar)));
        return;
    }
    ARRIVE(&bar);
    WAIT(&bar, 0);  // orders 1
    float value = s[i - 32];  // ← 1
    ARRIVE(&bar);
    WAIT(&bar, 1);
    y[i - 32] = value;
}
