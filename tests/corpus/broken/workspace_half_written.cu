// expect: uninitialized on work, line 9
// Squares 128 elements into a workspace, then adds each to the one 64 after it. The first step was written for 128
// threads, the launch has 64.
extern "C" __global__ void add_squares(float* y, float* work, const float* x) {
    const int t = threadIdx.x;
    work[t] = x[t] * x[t];
    __syncthreads();
    const float first = work[t];
    const float second = work[t + 64];  // ← nobody wrote it
    y[t] = first + second;
}
