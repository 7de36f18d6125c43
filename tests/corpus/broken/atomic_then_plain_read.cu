// expect: race on total, line 8 and line 9
// Counts the elements above a limit and notes how many each block had seen. The atomic gives back the count before it;
// to read the variable again is another, unordered access.
extern "C" __global__ void count_above(int* seen, int* total, const int* x, int limit) {
    const int above = x[blockIdx.x * blockDim.x + threadIdx.x] > limit;
    const int count = __syncthreads_count(above);
    if (threadIdx.x == 0) {
        atomicAdd(total, count);    // ← other blocks add
        seen[blockIdx.x] = *total;  // ← while this one reads
    }
}
