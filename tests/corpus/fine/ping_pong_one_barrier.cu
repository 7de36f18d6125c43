// expect: nothing: the buffer that a step writes was last read before the barrier of the step before
// Adds up the rows of x reversed, with two buffers in turn and a single barrier per step.
extern "C" __global__ void add_reversed_rows(float* y, const float* x, int steps) {
    __shared__ float s[2][64];
    const int t = threadIdx.x;
    float sum = 0.0f;
    for (int step = 0; step < steps; ++step) {
        s[step % 2][t] = x[step * blockDim.x + t];
        __syncthreads();
        sum += s[step % 2][blockDim.x - 1 - t];
    }
    y[t] = sum;
}
