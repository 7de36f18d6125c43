// A stencil with a halo that the first threads load.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[64] empty"
//! x = "f32[66]"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ float s[66];
    const int t = threadIdx.x;
    for (int i = t; i < 66; i += 64) s[i] = x[i];  // ←
    __syncthreads();  // orders
    y[t] = s[t] + s[t + 1] + s[t + 2];  // ←
}
