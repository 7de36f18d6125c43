// Stores into a neighbour's memory that its mbarrier counts.
//! grid = 2
//! block = 64
//! [args]
//! y = "f32[128] empty"
//! x = "f32[128]"
#include "waits.h"
extern "C" __global__ void __cluster_dims__(2, 1, 1) kernel(float* y, const float* x) {
    __shared__ unsigned long long bar;
    __shared__ float s[64];
    int i = threadIdx.x;
    if (i == 0) {
        INIT(&bar, 1);
        EXPECT(&bar, 256);
    }
    CLUSTER_SYNC();
    SEND_TO(&s[i], rank_in_cluster() ^ 1, x[64 * blockIdx.x + i], &bar);  // ← 1
    WAIT(&bar, 0);  // orders 1
    y[64 * blockIdx.x + i] = s[63 - i];  // ← 1
    CLUSTER_SYNC();
}
