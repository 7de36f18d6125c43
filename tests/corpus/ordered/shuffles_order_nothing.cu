// A shuffle between the accesses does not order them.
//! grid = 1
//! block = 32
//! [args]
//! y = "f32[32] empty"
//! x = "f32[32]"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ float s[32];
    const int t = threadIdx.x;
    s[t] = x[t];  // ←
    const float other = __shfl_xor_sync(0xffffffffu, x[t], 1);
    __syncwarp();  // orders
    y[t] = s[t ^ 3] + other;  // ←
}
