// expect: nothing: each round reads one half and writes the other
// Inclusive prefix sum of each block after Hillis and Steele.
extern "C" __global__ void scan(int* y, const int* x) {
    __shared__ int s[2][96];
    const int t = threadIdx.x, i = blockIdx.x * blockDim.x + t;
    int from = 0;
    s[from][t] = x[i];
    __syncthreads();
    for (int d = 1; d < blockDim.x; d *= 2) {
        s[1 - from][t] = s[from][t] + (t >= d ? s[from][t - d] : 0);
        from = 1 - from;
        __syncthreads();
    }
    y[i] = s[from][t];
}
