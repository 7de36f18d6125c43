// expect: nothing: the number of rounds depends on the block, not on the thread
// Rotates each block's elements as often as the block's number says, with barriers in the loop.
extern "C" __global__ void rotate(float* y, const float* x) {
    __shared__ float s[64];
    const int t = threadIdx.x, i = blockIdx.x * blockDim.x + t;
    s[t] = x[i];
    for (int round = 0; round < blockIdx.x; ++round) {
        __syncthreads();
        const float next = s[(t + 1) % blockDim.x];
        __syncthreads();
        s[t] = next;
    }
    y[i] = s[t];
}
