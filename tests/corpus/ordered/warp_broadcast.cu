// The first lane tells the others.
//! grid = 1
//! block = 32
//! [args]
//! y = "f32[32] empty"
//! x = "f32[32]"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ float first;
    if (threadIdx.x == 0) first = x[0];  // ←
    __syncwarp();  // orders
    y[threadIdx.x] = x[threadIdx.x] - first;  // ←
}
