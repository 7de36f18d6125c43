// expect: race on x, line 6 and line 8
// Moves all elements one place down. Within a block the barrier separates reading from writing; the last thread of a
// block reads the first element of the next block, for which no barrier waits.
extern "C" __global__ void shift(float* x) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    const float next = x[i + 1];  // ← at the end of a block: an element of the next
    __syncthreads();
    x[i] = next;  // ← which that block may have overwritten
}
