// expect: race on bins, line 9 and line 11
// A histogram: each block counts in shared memory with atomics, then adds its bins to the global ones. Between the two
// a barrier is missing, so the first warp adds bins that the others are still counting into.
extern "C" __global__ void histogram(unsigned* counts, const unsigned* x) {
    __shared__ unsigned bins[32];
    const int t = threadIdx.x;
    if (t < 32) bins[t] = 0;
    __syncthreads();
    atomicAdd(&bins[x[blockIdx.x * blockDim.x + t]], 1u);  // ← counts
    if (t < 32) {
        const unsigned count = bins[t];  // ← reads a count that is not complete
        atomicAdd(&counts[t], count);
    }
}
