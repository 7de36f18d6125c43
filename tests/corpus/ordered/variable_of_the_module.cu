// A __device__ variable that one thread sets for its block.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[64] empty"
//! x = "f32[64]"
__device__ float factor;
extern "C" __global__ void kernel(float* y, const float* x) {
    if (threadIdx.x == 32) factor = 3.0f;  // ←
    __syncthreads();  // orders
    y[threadIdx.x] = factor * x[threadIdx.x];  // ←
}
