// expect: nothing: the tree rounds its halves up and asks whether the partner is there
// The sum of each block of 100 threads, which is no power of two and no multiple of a warp.
extern "C" __global__ void reduce(float* sums, const float* x) {
    __shared__ float s[100];
    const int t = threadIdx.x;
    s[t] = x[blockIdx.x * blockDim.x + t];
    __syncthreads();
    for (int n = blockDim.x; n > 1; n = (n + 1) / 2) {
        const int half = (n + 1) / 2;
        if (t + half < n) s[t] += s[t + half];
        __syncthreads();
    }
    if (t == 0) sums[blockIdx.x] = s[0];
}
