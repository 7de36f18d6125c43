// expect: race on s, line 14 and line 15
// Softmax of rows of 128 elements, a block for each row: first the maximum, then the sum, both as trees in the same
// array. A thread that is ahead puts its exponential where others have yet to find the maximum.
extern "C" __global__ void softmax(float* y, const float* x) {
    __shared__ float s[128];
    const int t = threadIdx.x;
    const float value = x[blockIdx.x * blockDim.x + t];
    s[t] = value;
    __syncthreads();
    for (int stride = blockDim.x / 2; stride > 0; stride /= 2) {
        if (t < stride) s[t] = fmaxf(s[t], s[t + stride]);
        __syncthreads();
    }
    const float e = expf(value - s[0]);  // ← the maximum; after it a barrier is missing
    s[t] = e;                            // ← thread 0 overwrites it
    __syncthreads();
    for (int stride = blockDim.x / 2; stride > 0; stride /= 2) {
        if (t < stride) s[t] += s[t + stride];
        __syncthreads();
    }
    y[blockIdx.x * blockDim.x + t] = e / s[0];
}
