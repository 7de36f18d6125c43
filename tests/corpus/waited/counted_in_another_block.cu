// A counter in a neighbour's memory: cleared before, read after.
//! grid = 2
//! block = 64
//! [args]
//! y = "f32[128] empty"
#include "waits.h"
extern "C" __global__ void __cluster_dims__(2, 1, 1) kernel(float* y) {
    __shared__ unsigned count;
    int i = threadIdx.x;
    if (i == 0) count = 0;  // ← 1
    CLUSTER_SYNC();  // orders 1
    PTX("red.shared::cluster.add.u32 [%0], 1;", "r"(shared_of(&count, rank_in_cluster() ^ 1)));  // ← 1 2
    CLUSTER_SYNC();  // orders 2
    y[64 * blockIdx.x + i] = count;  // ← 2
}
