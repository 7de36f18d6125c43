// Differences of neighbours: the first lane of a warp needs what the warp before has put down.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[64] empty"
//! x = "f32[64]"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ float s[64];
    const int t = threadIdx.x;
    s[t] = x[t];  // ←
    __syncthreads();  // orders
    y[t] = t > 0 ? s[t] - s[t - 1] : 0.0f;  // ←
}
