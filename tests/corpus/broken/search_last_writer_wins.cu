// expect: race on position, line 8
// Where a block's elements equal `key`. Every thread that finds one writes its own place: which of them stays is
// chance. An atomicMin would give the first.
extern "C" __global__ void find(int* found, const int* x, int key) {
    __shared__ int position;
    if (threadIdx.x == 0) position = -1;
    __syncthreads();
    if (x[threadIdx.x] == key) position = threadIdx.x;  // ← several threads, different values
    __syncthreads();
    if (threadIdx.x == 0) *found = position;
}
