// expect: nothing: the stride is the whole grid, so no two threads come to the same element
// y += a x for any length with any grid.
extern "C" __global__ void axpy(float* y, const float* x, int n, float a) {
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) y[i] += a * x[i];
}
