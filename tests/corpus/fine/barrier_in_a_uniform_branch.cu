// expect: nothing: the condition is the same for all threads of a block
// Every other block reverses its elements. A barrier may stand in a branch that a block takes as a whole.
extern "C" __global__ void reverse_even_blocks(float* y, const float* x) {
    __shared__ float s[64];
    const int t = threadIdx.x, first = blockIdx.x * blockDim.x;
    if (blockIdx.x % 2 == 0) {
        s[t] = x[first + t];
        __syncthreads();
        y[first + t] = s[blockDim.x - 1 - t];
    } else {
        y[first + t] = x[first + t];
    }
}
