// Two arrays that lie in the same dynamic memory.
//! grid = 1
//! block = 64
//! shared = 512
//! [args]
//! y = "f32[64] empty"
//! x = "f32[64]"
extern "C" __global__ void kernel(float* y, const float* x) {
    extern __shared__ float s[];
    float *a = s, *b = s + 64;
    const int t = threadIdx.x;
    a[t] = x[t];
    b[63 - t] = 2.0f * x[t];  // ←
    __syncthreads();  // orders
    y[t] = a[t] + b[t];  // ←
}
