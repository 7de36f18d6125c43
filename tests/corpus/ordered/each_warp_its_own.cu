// Two warps that have nothing to do with each other.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[64] empty"
//! x = "f32[64]"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ float s[2][32];
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    s[warp][lane] = x[threadIdx.x];  // ←
    __syncwarp();  // orders
    y[threadIdx.x] = s[warp][lane ^ 9];  // ←
}
