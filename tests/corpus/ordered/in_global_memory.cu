// A block hands data on through global memory.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[64] empty"
//! w = "f32[64] empty"
//! x = "f32[64]"
extern "C" __global__ void kernel(float* y, float* w, const float* x) {
    w[threadIdx.x] = x[threadIdx.x];  // ←
    __syncthreads();  // orders
    y[threadIdx.x] = w[63 - threadIdx.x];  // ←
}
