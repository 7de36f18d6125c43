// A bulk copy from one block's memory to the next one's.
//! grid = 2
//! block = 64
//! [args]
//! y = "f32[128] empty"
//! x = "f32[128]"
#include "waits.h"
extern "C" __global__ void __cluster_dims__(2, 1, 1) kernel(float* y, const float* x) {
    __shared__ unsigned long long bar;
    __shared__ alignas(16) float s[64], t[64];
    int i = threadIdx.x;
    s[i] = x[64 * blockIdx.x + i];  // ← 1
    FENCE_PROXY();  // orders 1
    if (i == 0) {
        INIT(&bar, 1);
        EXPECT(&bar, 256);
    }
    CLUSTER_SYNC();
    if (i == 0) {
        unsigned other = rank_in_cluster() ^ 1;
        COPY_TO(t, other, s, 256, &bar);  // ← 1 2
    }
    WAIT(&bar, 0);  // orders 2
    y[64 * blockIdx.x + i] = t[63 - i];  // ← 2
    CLUSTER_SYNC();
}
