// Lanes read their neighbours before any of them changes.
//! grid = 1
//! block = 32
//! [args]
//! y = "f32[32] empty"
//! x = "f32[32]"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ float s[32];
    const int t = threadIdx.x;
    s[t] = x[t];
    __syncwarp();
    const float next = s[(t + 1) % 32];  // ←
    __syncwarp();  // orders
    s[t] = 2.0f * next;  // ←
    y[t] = s[t];
}
