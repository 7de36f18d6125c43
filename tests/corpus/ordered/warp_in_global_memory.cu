// A warp hands data on through global memory.
//! grid = 1
//! block = 32
//! [args]
//! y = "f32[32] empty"
//! w = "f32[32] empty"
//! x = "f32[32]"
extern "C" __global__ void kernel(float* y, float* w, const float* x) {
    w[threadIdx.x] = x[threadIdx.x];  // ←
    __syncwarp();  // orders
    y[threadIdx.x] = w[threadIdx.x ^ 1];  // ←
}
