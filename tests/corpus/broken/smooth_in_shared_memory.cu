// expect: race on s, line 11
// Repeatedly replaces each element by the mean of itself and its neighbours. There is a barrier between rounds, but
// none between reading the neighbours and overwriting the own element.
extern "C" __global__ void smooth(float* y, const float* x, int rounds) {
    __shared__ float s[64];
    const int t = threadIdx.x, i = blockIdx.x * blockDim.x + t;
    const int left = max(t - 1, 0), right = min(t + 1, (int)blockDim.x - 1);
    s[t] = x[i];
    for (int round = 0; round < rounds; ++round) {
        __syncthreads();
        s[t] = (s[left] + s[t] + s[right]) / 3.0f;  // ← a neighbour may be of this round or of the last
    }
    y[i] = s[t];
}
