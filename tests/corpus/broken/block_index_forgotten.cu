// expect: race on y, line 5
// The square of each element. The result's index lacks the block: all blocks write the first 64 elements.
extern "C" __global__ void square(float* y, const float* x) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    y[threadIdx.x] = x[i] * x[i];  // ← should be y[i]
}
