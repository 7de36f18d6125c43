// A block reads what its neighbour has written, which does not end before.
//! grid = 2
//! block = 64
//! [args]
//! y = "f32[128] empty"
//! x = "f32[128]"
#include "waits.h"
extern "C" __global__ void __cluster_dims__(2, 1, 1) kernel(float* y, const float* x) {
    __shared__ float s[64];
    int i = threadIdx.x;
    s[i] = x[64 * blockIdx.x + i];  // ← 1
    CLUSTER_SYNC();  // orders 1
    float value;
    READ_OF(value, &s[i], rank_in_cluster() ^ 1);  // ← 1 2
    y[64 * blockIdx.x + i] = value;
    CLUSTER_SYNC();  // orders 2
}
