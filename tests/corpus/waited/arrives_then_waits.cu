// Between arriving at the cluster's barrier and waiting there is time for other work.
//! grid = 2
//! block = 64
//! [args]
//! y = "f32[128] empty"
//! x = "f32[128]"
#include "waits.h"
extern "C" __global__ void __cluster_dims__(2, 1, 1) kernel(float* y, const float* x) {
    __shared__ float s[64], own[64];
    int i = threadIdx.x;
    s[i] = x[64 * blockIdx.x + i];  // ← 1
    CLUSTER_ARRIVE();
    own[i] = 2 * x[64 * blockIdx.x + i];
    CLUSTER_WAIT();  // orders 1
    float value;
    READ_OF(value, &s[63 - i], rank_in_cluster() ^ 1);  // ← 1
    CLUSTER_SYNC();
    y[64 * blockIdx.x + i] = value + own[i];
}
