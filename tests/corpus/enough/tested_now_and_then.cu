// Other work is done between looks at an mbarrier.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[64] empty"
//! x = "f32[64]"
#include "../waited/waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ unsigned long long bar;
    __shared__ alignas(16) float s[64];
    int i = threadIdx.x;
    if (i == 0) INIT(&bar, 1);
    __syncthreads();
    if (i == 0) {
        EXPECT(&bar, 256);
        LOAD(s, x, 256, &bar);
    }
    int done = 0, looks = 0;
    while (!done) {
        TEST(done, &bar, 0);
        looks++;
    }
    y[i] = looks > 0 ? s[i] : 0;
}
