// Bins are given on once all have been counted.
//! grid = 1
//! block = 64
//! [args]
//! counts = "i32[32] zeros"
//! x = "i32[64] below 32"
extern "C" __global__ void kernel(int* counts, const int* x) {
    __shared__ int bins[32];
    if (threadIdx.x < 32) bins[threadIdx.x] = 0;
    __syncthreads();
    atomicAdd(&bins[x[threadIdx.x]], 1);  // ←
    __syncthreads();  // orders
    if (threadIdx.x < 32) counts[threadIdx.x] = bins[threadIdx.x];  // ←
}
