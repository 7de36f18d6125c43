// Swish, also called SiLU: a smooth ReLU (Ramachandran et al. 2017).
//
//   forward   y = x · σ(x)                          σ(x) = 1 / (1 + e^−x)
//   backward  dx = dy · σ(x) · (1 + x · (1 − σ(x)))
//
//   launch    one thread per element, ⌈n / 256⌉ blocks of 256 threads
//
// This is CUDA C++ as in a first lesson: a thread finds its element by its block and its place in it. The GPU runs
// thousands of them at once; the host device runs the same text, one thread after the other.

__device__ float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

extern "C" __global__ void swish_forward(float* y,        // [n]
                                         const float* x,  // [n]
                                         int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = x[i] * sigmoid(x[i]);  // the last block has threads to spare
}

extern "C" __global__ void swish_backward(float* dx,        // [n]
                                          const float* dy,  // [n]
                                          const float* x,   // [n]
                                          int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        const float s = sigmoid(x[i]);
        dx[i] = dy[i] * s * (1.0f + x[i] * (1.0f - s));
    }
}
