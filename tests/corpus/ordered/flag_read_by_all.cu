// A flag is read once all could set it.
//! grid = 1
//! block = 64
//! [args]
//! y = "i32[64] empty"
//! x = "i32[64] index"
extern "C" __global__ void kernel(int* y, const int* x) {
    __shared__ int any;
    if (threadIdx.x == 5) any = 0;
    __syncthreads();
    if (x[threadIdx.x] == 40) any = 1;  // ←
    __syncthreads();  // orders
    y[threadIdx.x] = any;  // ←
}
