// In memory whose size the launch tells.
//! grid = 1
//! block = 64
//! shared = 256
//! [args]
//! y = "f32[64] empty"
//! x = "f32[64]"
extern "C" __global__ void kernel(float* y, const float* x) {
    extern __shared__ float s[];
    s[(threadIdx.x + 40) % 64] = x[threadIdx.x];  // ←
    __syncthreads();  // orders
    y[threadIdx.x] = s[threadIdx.x];  // ←
}
