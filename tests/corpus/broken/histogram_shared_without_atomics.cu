// expect: race on bins, line 9
// A histogram of 256 values in shared memory. `++` is a read and a write: of two threads that meet in a bin, one is
// lost.
extern "C" __global__ void histogram(int* counts, const int* x) {
    __shared__ int bins[32];
    const int t = threadIdx.x;
    if (t < 32) bins[t] = 0;
    __syncthreads();
    bins[x[t]]++;  // ← threads with the same value meet here
    __syncthreads();
    if (t < 32) counts[t] = bins[t];
}
