// expect: barrier, line 6
// Whether any element of a block's stretch is negative. A block-wide vote is a barrier, and `&&` keeps threads without
// an element away from it.
extern "C" __global__ void any_negative(int* some, const float* x, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    const bool found = i < n && __syncthreads_or(x[i] < 0.0f);  // ← should be __syncthreads_or(i < n && ...)
    if (threadIdx.x == 0) some[blockIdx.x] = found;
}
