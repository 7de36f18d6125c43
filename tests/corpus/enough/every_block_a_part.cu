// Blocks write different parts of a neighbour's array.
//! grid = 2
//! block = 64
//! [args]
//! y = "f32[128] empty"
//! x = "f32[128]"
#include "../waited/waits.h"
extern "C" __global__ void __cluster_dims__(2, 1, 1) kernel(float* y, const float* x) {
    __shared__ float s[128];
    int i = threadIdx.x, rank = rank_in_cluster();
    CLUSTER_SYNC();
    s[64 * rank + i] = x[64 * rank + i];
    WRITE_OF(&s[64 * rank + i], rank ^ 1, x[64 * rank + i]);
    CLUSTER_SYNC();
    y[64 * rank + i] = s[127 - (64 * rank + i)];
}
