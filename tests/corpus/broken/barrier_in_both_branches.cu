// expect: barrier, line 9 and line 12
// The two warps of a block exchange elements, each in a branch of its own with its own barrier. The barriers are
// different ones: all threads of a block have to come to the same.
extern "C" __global__ void exchange(float* y, const float* x) {
    __shared__ float s[64];
    const int t = threadIdx.x;
    s[t] = x[t];
    if (t < 32) {
        __syncthreads();  // ← here waits the first warp
        y[t] = s[t + 32];
    } else {
        __syncthreads();  // ← and here the second
        y[t] = -s[t - 32];
    }
}
