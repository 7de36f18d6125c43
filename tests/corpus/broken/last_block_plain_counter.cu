// expect: race on finished, line 10
// The last block to finish raises a flag for the host. The counter that tells which block is last is incremented
// without an atomic: two blocks may read the same count, and no block is last.
extern "C" __global__ void negate(int* done, int* finished, float* y, const float* x) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    y[i] = -x[i];
    __syncthreads();
    if (threadIdx.x == 0) {
        __threadfence();
        const int before = (*finished)++;  // ← should be atomicAdd(finished, 1)
        if (before == gridDim.x - 1) *done = 1;
    }
}
