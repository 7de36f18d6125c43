// expect: race on sum, line 5 and line 7
// An atomic sum over the grid that the first block wants to begin at zero. Nothing orders blocks: others may have added
// before. The reset belongs into a launch (or a memset) of its own.
extern "C" __global__ void sum_all(int* sum, const int* x) {
    if (blockIdx.x == 0 && threadIdx.x == 0) *sum = 0;  // ← wipes out what other blocks have added
    __syncthreads();
    atomicAdd(sum, x[blockIdx.x * blockDim.x + threadIdx.x]);  // ← adds
}
