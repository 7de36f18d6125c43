// The last thread tells all the rest.
//! grid = 1
//! block = 96
//! [args]
//! y = "f32[96] empty"
//! x = "f32[96]"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ float last;
    if (threadIdx.x == blockDim.x - 1) last = x[threadIdx.x];  // ←
    __syncthreads();  // orders
    y[threadIdx.x] = x[threadIdx.x] - last;  // ←
}
