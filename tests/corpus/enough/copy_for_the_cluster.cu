// One copy that all blocks of a cluster get.
//! grid = 2
//! block = 64
//! [args]
//! y = "f32[128] empty"
//! x = "f32[64]"
#include "../waited/waits.h"
extern "C" __global__ void __cluster_dims__(2, 1, 1) kernel(float* y, const float* x) {
    __shared__ unsigned long long bar;
    __shared__ alignas(16) float s[64];
    int i = threadIdx.x;
    if (i == 0) {
        INIT(&bar, 1);
        EXPECT(&bar, 256);
    }
    CLUSTER_SYNC();
    if (i == 0 && rank_in_cluster() == 0) LOAD_FOR_ALL(s, x, 256, &bar, 3);
    WAIT(&bar, 0);
    y[64 * blockIdx.x + i] = s[63 - i];
    CLUSTER_SYNC();
}
