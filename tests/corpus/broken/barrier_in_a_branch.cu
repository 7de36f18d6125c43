// expect: barrier, line 9
// Swaps neighbours through shared memory. The barrier stands under the guard, and the last block has threads that the
// guard turns away.
extern "C" __global__ void swap_pairs(float* y, const float* x, int n) {
    __shared__ float s[64];
    const int t = threadIdx.x, i = blockIdx.x * blockDim.x + t;
    if (i < n) {
        s[t] = x[i];
        __syncthreads();  // ← not reached by all threads of the block
        y[i] = s[t ^ 1];
    }
}
