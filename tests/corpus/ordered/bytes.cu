// Single bytes of the words that others read.
//! grid = 1
//! block = 64
//! [args]
//! y = "i32[16] empty"
//! x = "i32[64] index"
extern "C" __global__ void kernel(int* y, const int* x) {
    __shared__ int words[16];
    ((char*)words)[threadIdx.x] = (char)x[threadIdx.x];  // ←
    __syncthreads();  // orders
    if (threadIdx.x < 16) y[threadIdx.x] = words[threadIdx.x];  // ←
}
