// expect: nothing: threads return after the last barrier, and only elements that were loaded are read
// Reverses each block's stretch, the last of which is shorter than the block.
extern "C" __global__ void reverse(float* y, const float* x, int n) {
    __shared__ float s[64];
    const int t = threadIdx.x, first = blockIdx.x * blockDim.x, size = min((int)blockDim.x, n - first);
    if (t < size) s[t] = x[first + t];
    __syncthreads();
    if (t >= size) return;
    y[first + t] = s[size - 1 - t];
}
