// A branch that all threads take alike.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[64] empty"
//! x = "f32[64]"
//! n = 1
extern "C" __global__ void kernel(float* y, const float* x, int n) {
    __shared__ float s[64];
    s[threadIdx.x] = x[threadIdx.x];  // ←
    if (n > 0) {
        __syncthreads();  // orders
    }
    y[threadIdx.x] = s[63 - threadIdx.x];  // ←
}
