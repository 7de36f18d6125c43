// What a relaxed arrival is to tell of an mbarrier needs a fence before it.
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
    if (i == 0) INIT(&bar, 64);  // ← 1
    PTX("fence.mbarrier_init.release.cluster;");  // orders 1
    CLUSTER_ARRIVE_RELAXED();
    CLUSTER_WAIT();
    s[i] = x[64 * blockIdx.x + i];
    ARRIVE_OF(&bar, rank_in_cluster() ^ 1);  // ← 1
    WAIT(&bar, 0);
    y[64 * blockIdx.x + i] = s[i];
    CLUSTER_SYNC();
}
