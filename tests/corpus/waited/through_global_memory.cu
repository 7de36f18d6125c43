// What the other block of a cluster has left in global memory.
//! grid = 2
//! block = 64
//! [args]
//! y = "f32[128] empty"
//! g = "f32[128] empty"
//! x = "f32[128]"
#include "waits.h"
extern "C" __global__ void __cluster_dims__(2, 1, 1) kernel(float* y, float* g, const float* x) {
    int i = threadIdx.x;
    g[64 * blockIdx.x + i] = x[64 * blockIdx.x + i];  // ← 1
    CLUSTER_SYNC();  // orders 1
    y[64 * blockIdx.x + i] = g[64 * (blockIdx.x ^ 1) + i];  // ← 1
}
