// Each thread takes what the one at the other end has put down.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[64] empty"
//! x = "f32[64]"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ float s[64];
    s[threadIdx.x] = x[threadIdx.x];  // ←
    __syncthreads();  // orders
    y[threadIdx.x] = s[63 - threadIdx.x];  // ←
}
