// expect: nothing: a barrier separates the first use of the array from the second
// Subtracts from each element of a block the mean of its neighbours on a ring, then reverses the block, in one array.
extern "C" __global__ void sharpen_and_reverse(float* y, const float* x) {
    __shared__ float s[64];
    const int t = threadIdx.x, n = blockDim.x, first = blockIdx.x * n;
    s[t] = x[first + t];
    __syncthreads();
    const float sharp = s[t] - 0.5f * (s[(t + 1) % n] + s[(t + n - 1) % n]);
    __syncthreads();
    s[t] = sharp;
    __syncthreads();
    y[first + t] = s[n - 1 - t];
}
