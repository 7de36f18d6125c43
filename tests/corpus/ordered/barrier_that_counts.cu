// The barrier also counts: what it returns is not used, its order is.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[64] empty"
//! x = "f32[64]"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ float s[64];
    s[threadIdx.x] = x[threadIdx.x];  // ←
    __syncthreads_count(1);  // orders
    y[threadIdx.x] = s[63 - threadIdx.x];  // ←
}
