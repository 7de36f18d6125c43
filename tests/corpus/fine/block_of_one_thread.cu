// expect: nothing: a block of one thread waits for nobody
// The sum of each row by one thread, with barriers where a larger block would need them.
extern "C" __global__ void row_sums(float* sums, const float* x, int columns) {
    __shared__ float s[1];
    s[threadIdx.x] = 0.0f;
    __syncthreads();
    for (int c = threadIdx.x; c < columns; c += blockDim.x) s[threadIdx.x] += x[blockIdx.x * columns + c];
    __syncthreads();
    if (threadIdx.x == 0) sums[blockIdx.x] = __shfl_sync(1u, s[0], 0);
}
