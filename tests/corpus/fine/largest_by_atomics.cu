// expect: nothing: shared and global maxima are atomic, and a barrier stands before the shared one is read
// The largest of all elements, none of which is negative.
extern "C" __global__ void maximum(int* largest, const int* x) {
    __shared__ int block_largest;
    if (threadIdx.x == 0) block_largest = 0;
    __syncthreads();
    atomicMax(&block_largest, x[blockIdx.x * blockDim.x + threadIdx.x]);
    __syncthreads();
    if (threadIdx.x == 0) atomicMax(largest, block_largest);
}
