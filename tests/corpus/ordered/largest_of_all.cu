// The largest is read once all have given theirs.
//! grid = 1
//! block = 64
//! [args]
//! y = "i32[64] empty"
//! x = "i32[64] index"
extern "C" __global__ void kernel(int* y, const int* x) {
    __shared__ int most;
    if (threadIdx.x == 0) most = -1;
    __syncthreads();
    atomicMax(&most, x[threadIdx.x] % 50);  // ←
    __syncthreads();  // orders
    y[threadIdx.x] = most - x[threadIdx.x] % 50;  // ←
}
