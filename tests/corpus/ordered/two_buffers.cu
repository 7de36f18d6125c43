// Two buffers by turns: one barrier a step is enough, and needed.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[64] empty"
//! x = "f32[64]"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ float s[2][64];
    const int t = threadIdx.x;
    s[0][t] = x[t];
    __syncthreads();
    int from = 0;
    for (int step = 1; step < 64; step *= 2) {
        s[1 - from][t] = s[from][t] + s[from][(t + step) % 64];  // ←
        from = 1 - from;
        __syncthreads();  // orders
    }
    y[t] = s[from][t];
}
