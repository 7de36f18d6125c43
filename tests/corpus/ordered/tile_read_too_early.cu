// The tile is read in each round before all of it is there.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[64] empty"
//! x = "f32[256]"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ float s[64];
    const int t = threadIdx.x;
    float sum = 0.0f;
    for (int i = 0; i < 4; ++i) {
        s[t] = x[64 * i + t];  // ←
        __syncthreads();  // orders
        sum += s[t ^ 32];  // ←
        __syncthreads();
    }
    y[t] = sum;
}
