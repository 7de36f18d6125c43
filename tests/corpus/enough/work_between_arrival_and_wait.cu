// Own work between arriving at a cluster's barrier and waiting there.
//! grid = 2
//! block = 64
//! [args]
//! y = "f32[128] empty"
//! x = "f32[128]"
#include "../waited/waits.h"
extern "C" __global__ void __cluster_dims__(2, 1, 1) kernel(float* y, const float* x) {
    __shared__ float s[64], own[64];
    int i = threadIdx.x;
    s[i] = x[64 * blockIdx.x + i];
    CLUSTER_ARRIVE();
    own[i] = 2 * x[64 * blockIdx.x + i];
    CLUSTER_WAIT();
    float value;
    READ_OF(value, &s[63 - i], rank_in_cluster() ^ 1);
    CLUSTER_ARRIVE();
    y[64 * blockIdx.x + i] = value + own[i];
    CLUSTER_WAIT();
}
