// expect: nothing: atomics within the block and between blocks, barriers between clearing, counting and merging
// A histogram of bytes: each block counts in shared memory, then adds its bins to the global ones.
extern "C" __global__ void histogram(unsigned* counts, const unsigned char* x, int n) {
    __shared__ unsigned bins[40];
    for (int b = threadIdx.x; b < 40; b += blockDim.x) bins[b] = 0;
    __syncthreads();
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) atomicAdd(&bins[x[i]], 1u);
    __syncthreads();
    for (int b = threadIdx.x; b < 40; b += blockDim.x) {
        if (bins[b] > 0) atomicAdd(&counts[b], bins[b]);
    }
}
