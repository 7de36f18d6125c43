// expect: race on counts, line 5
// A histogram of bytes straight in global memory, by a loop over the grid.
extern "C" __global__ void histogram(int* counts, const unsigned char* x, int n) {
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
        counts[x[i]] += 1;  // ← of threads that meet in a bin, all but one are lost
    }
}
