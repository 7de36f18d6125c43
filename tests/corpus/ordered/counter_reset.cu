// A counter of the block is set to zero before it is drawn from.
//! grid = 1
//! block = 64
//! [args]
//! y = "i32[64] empty"
extern "C" __global__ void kernel(int* y) {
    __shared__ int next;
    if (threadIdx.x == 63) next = 0;  // ←
    __syncthreads();  // orders
    y[atomicAdd(&next, 1) & 63] = threadIdx.x;  // ←
}
