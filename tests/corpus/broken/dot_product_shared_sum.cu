// expect: race on dot, line 8
// The dot product of each block's stretch of two vectors. All threads add to one shared variable without an atomic.
extern "C" __global__ void dot_product(float* dots, const float* x, const float* y) {
    __shared__ float dot;
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (threadIdx.x == 0) dot = 0.0f;
    __syncthreads();
    dot += x[i] * y[i];  // ← most of the sums are lost
    __syncthreads();
    if (threadIdx.x == 0) dots[blockIdx.x] = dot;
}
