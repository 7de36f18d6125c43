// Half of a warp waits for itself.
//! grid = 1
//! block = 32
//! [args]
//! y = "f32[32] zeros"
//! x = "f32[32]"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ float s[16];
    const int t = threadIdx.x;
    if (t < 16) {
        s[t] = x[t];  // ←
        __syncwarp(0xffffu);  // orders
        y[t] = s[15 - t];  // ←
    }
}
