// expect: uninitialized on y, line 5
// y += a x, for a y that nobody has set to anything: fresh memory is not zero.
extern "C" __global__ void axpy(float* y, const float* x, float a) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    y[i] += a * x[i];  // ← reads y
}
