// expect: nothing: all threads that write the flag write the same value
// Whether any element of a block's stretch is negative. Many threads write the shared flag at once, but never different
// things.
extern "C" __global__ void any_negative(int* some, const float* x) {
    __shared__ int found;
    if (threadIdx.x == 0) found = 0;
    __syncthreads();
    if (x[blockIdx.x * blockDim.x + threadIdx.x] < 0.0f) found = 1;
    __syncthreads();
    if (threadIdx.x == 0) some[blockIdx.x] = found;
}
