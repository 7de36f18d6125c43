// expect: uninitialized on bins, line 6
// A histogram in shared memory. Shared memory begins with whatever the block before left: the bins have to be cleared.
extern "C" __global__ void histogram(unsigned* counts, const unsigned* x) {
    __shared__ unsigned bins[32];
    const int t = threadIdx.x;
    atomicAdd(&bins[x[t] % 32u], 1u);  // ← adds to what was there
    __syncthreads();
    if (t < 32) counts[t] = bins[t];
}
