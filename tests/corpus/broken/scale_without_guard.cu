// expect: out of bounds on y, line 5
// Scales 1000 elements by a grid of 4 × 256 threads. The last 24 threads have no element, and nothing stops them.
extern "C" __global__ void scale(float* y, float a) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    y[i] *= a;  // ← belongs under `if (i < n)`
}
