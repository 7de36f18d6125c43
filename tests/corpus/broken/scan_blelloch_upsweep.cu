// expect: race on s, line 11
// Exclusive prefix sum of 128 numbers after Blelloch. The barrier of the up-sweep stands after the loop instead of in
// it.
extern "C" __global__ void scan(int* y, const int* x) {
    __shared__ int s[128];
    const int t = threadIdx.x, n = 2 * blockDim.x;
    s[t] = x[t], s[t + n / 2] = x[t + n / 2];
    __syncthreads();
    for (int d = 1; d < n; d *= 2) {
        const int right = 2 * d * (t + 1) - 1;
        if (right < n) s[right] += s[right - d];  // ← both are sums that other threads made a level below
    }
    __syncthreads();
    if (t == 0) s[n - 1] = 0;
    __syncthreads();
    for (int d = n / 2; d > 0; d /= 2) {
        const int right = 2 * d * (t + 1) - 1;
        if (right < n) {
            const int sum = s[right];
            s[right] += s[right - d];
            s[right - d] = sum;
        }
        __syncthreads();
    }
    y[t] = s[t], y[t + n / 2] = s[t + n / 2];
}
