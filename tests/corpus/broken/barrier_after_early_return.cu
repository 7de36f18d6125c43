// expect: barrier, line 8
// The sum of each block. Threads without an element return at once; the others wait for them.
extern "C" __global__ void reduce(float* sums, const float* x, int n) {
    __shared__ float s[64];
    const int t = threadIdx.x, i = blockIdx.x * blockDim.x + t;
    if (i >= n) return;
    s[t] = x[i];
    __syncthreads();  // ← of the last block only 36 threads come
    if (t == 0) {
        float sum = 0.0f;
        for (int k = 0; k < min((int)blockDim.x, n - i); ++k) sum += s[k];
        sums[blockIdx.x] = sum;
    }
}
