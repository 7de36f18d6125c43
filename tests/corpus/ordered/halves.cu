// Half words: a warp writes them and another one reads them.
//! grid = 1
//! block = 64
//! [args]
//! y = "i32[64] empty"
//! x = "i32[64] index"
extern "C" __global__ void kernel(int* y, const int* x) {
    __shared__ short s[64];
    s[threadIdx.x] = (short)x[threadIdx.x];  // ←
    __syncthreads();  // orders
    y[threadIdx.x] = s[threadIdx.x ^ 33];  // ←
}
