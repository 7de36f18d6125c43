// An mbarrier ends and begins anew, with another count.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[64] empty"
//! x = "f32[64]"
#include "../waited/waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ unsigned long long bar;
    __shared__ float s[64];
    int i = threadIdx.x;
    if (i == 0) INIT(&bar, 64);
    __syncthreads();
    s[i] = x[i];
    ARRIVE(&bar);
    WAIT(&bar, 0);
    float value = s[63 - i];
    __syncthreads();
    if (i == 0) {
        PTX("mbarrier.inval.shared.b64 [%0];", "r"(SHARED(&bar)));
        INIT(&bar, 32);
    }
    __syncthreads();
    if (i < 32) {
        s[i] = value;
        ARRIVE(&bar);
    } else {
        WAIT(&bar, 0);
        y[i] = s[63 - i];
        y[i - 32] = value;
    }
}
