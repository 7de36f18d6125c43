// Bins are cleared by some threads and counted in by all.
//! grid = 1
//! block = 64
//! [args]
//! counts = "i32[32] zeros"
//! x = "i32[64] below 32"
extern "C" __global__ void kernel(int* counts, const int* x) {
    __shared__ int bins[32];
    if (threadIdx.x >= 32) bins[threadIdx.x - 32] = 0;  // ←
    __syncthreads();  // orders
    atomicAdd(&bins[x[threadIdx.x]], 1);  // ←
    __syncthreads();
    if (threadIdx.x < 32) counts[threadIdx.x] = bins[threadIdx.x];
}
