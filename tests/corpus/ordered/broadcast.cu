// One thread works something out for all.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[64] empty"
//! x = "f32[64]"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ float scale;
    if (threadIdx.x == 0) scale = 2.0f * x[0];  // ←
    __syncthreads();  // orders
    y[threadIdx.x] = scale * x[threadIdx.x];  // ←
}
