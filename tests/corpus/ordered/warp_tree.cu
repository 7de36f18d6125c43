// A tree of sums within a warp.
//! grid = 1
//! block = 32
//! [args]
//! y = "f32[1] empty"
//! x = "f32[32]"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ float s[32];
    const int t = threadIdx.x;
    s[t] = x[t];
    __syncwarp();
    for (int half = 16; half > 0; half /= 2) {
        if (t < half) s[t] += s[t + half];  // ←
        __syncwarp();  // orders
    }
    if (t == 0) y[0] = s[0];
}
