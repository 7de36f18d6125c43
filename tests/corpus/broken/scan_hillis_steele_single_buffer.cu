// expect: race on s, line 10
// Inclusive prefix sum after Hillis and Steele. Each round ends with a barrier, but within a round one thread reads the
// element that another overwrites: two buffers, or a barrier between reading and writing, are needed.
extern "C" __global__ void scan(float* y, const float* x) {
    __shared__ float s[128];
    const int t = threadIdx.x, i = blockIdx.x * blockDim.x + t;
    s[t] = x[i];
    __syncthreads();
    for (int d = 1; d < blockDim.x; d *= 2) {
        if (t >= d) s[t] += s[t - d];  // ← thread t - d may have added to its element in this very round
        __syncthreads();
    }
    y[i] = s[t];
}
