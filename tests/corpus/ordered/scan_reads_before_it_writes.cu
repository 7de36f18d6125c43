// All read before any writes: a scan in one array needs two barriers a step.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[64] empty"
//! x = "f32[64]"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ float s[64];
    const int t = threadIdx.x;
    s[t] = x[t];
    __syncthreads();
    for (int step = 1; step < 64; step *= 2) {
        const float before = t >= step ? s[t - step] : 0.0f;  // ←
        __syncthreads();  // orders
        s[t] += before;  // ←
        __syncthreads();
    }
    y[t] = s[t];
}
