// All threads of a cluster count in one block's memory.
//! grid = 2
//! block = 64
//! [args]
//! y = "f32[64] empty"
#include "../waited/waits.h"
extern "C" __global__ void __cluster_dims__(2, 1, 1) kernel(float* y) {
    __shared__ unsigned count;
    if (threadIdx.x == 0) count = 0;
    CLUSTER_SYNC();
    PTX("red.shared::cluster.add.u32 [%0], 1;", "r"(shared_of(&count, 0)));
    CLUSTER_SYNC();
    if (rank_in_cluster() == 0) y[threadIdx.x] = count;
}
