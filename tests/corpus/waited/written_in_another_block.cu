// A block writes into its neighbour's memory.
//! grid = 2
//! block = 64
//! [args]
//! y = "f32[128] empty"
//! x = "f32[128]"
#include "waits.h"
extern "C" __global__ void __cluster_dims__(2, 1, 1) kernel(float* y, const float* x) {
    __shared__ float s[64];
    int i = threadIdx.x;
    s[i] = 0;  // ← 1
    CLUSTER_SYNC();  // orders 1
    WRITE_OF(&s[63 - i], rank_in_cluster() ^ 1, x[64 * blockIdx.x + i]);  // ← 1 2
    CLUSTER_SYNC();  // orders 2
    y[64 * blockIdx.x + i] = s[i];  // ← 2
}
