// Several blocks, each with its stretch of global memory.
//! grid = 3
//! block = 64
//! [args]
//! y = "f32[192] empty"
//! w = "f32[192] empty"
//! x = "f32[192]"
extern "C" __global__ void kernel(float* y, float* w, const float* x) {
    const int first = 64 * blockIdx.x, t = threadIdx.x;
    w[first + t] = x[first + t];  // ←
    __syncthreads();  // orders
    y[first + t] = w[first + (t + 32) % 64];  // ←
}
