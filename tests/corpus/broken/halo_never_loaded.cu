// expect: uninitialized on s, line 11
// The mean of three neighbours with a halo in shared memory. The halo on the left is loaded; the one on the right is
// not, and the tile has room for it.
extern "C" __global__ void blur(float* y, const float* x) {
    __shared__ float s[66];
    const int t = threadIdx.x, i = blockIdx.x * blockDim.x + t;
    s[t + 1] = x[i];
    if (t == 0) s[0] = i > 0 ? x[i - 1] : 0.0f;
    __syncthreads();
    const float left = s[t], own = s[t + 1];
    const float right = s[t + 2];  // ← s[65] for the last thread
    y[i] = (left + own + right) / 3.0f;
}
