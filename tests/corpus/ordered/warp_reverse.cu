// A warp turns its values round in shared memory.
//! grid = 1
//! block = 32
//! [args]
//! y = "f32[32] empty"
//! x = "f32[32]"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ float s[32];
    s[threadIdx.x] = x[threadIdx.x];  // ←
    __syncwarp();  // orders
    y[threadIdx.x] = s[31 - threadIdx.x];  // ←
}
