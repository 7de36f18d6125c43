// The tree begins before all leaves are there.
//! grid = 1
//! block = 128
//! [args]
//! y = "f32[1] empty"
//! x = "f32[128]"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ float s[128];
    const int t = threadIdx.x;
    s[t] = x[t];  // ←
    __syncthreads();  // orders
    for (int half = 64; half > 0; half /= 2) {
        if (t < half) s[t] += s[t + half];  // ←
        __syncthreads();
    }
    if (t == 0) y[0] = s[0];
}
