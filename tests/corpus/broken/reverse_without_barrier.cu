// expect: race on s, line 7 and line 8
// Each block reverses its 64 elements through shared memory. The barrier between writing and reading is missing: the
// mirrored thread may belong to the other warp, which has not come so far.
extern "C" __global__ void reverse(float* y, const float* x) {
    __shared__ float s[64];
    const int t = threadIdx.x, first = blockIdx.x * blockDim.x;
    s[t] = x[first + t];                   // ← writes the own element
    y[first + t] = s[blockDim.x - 1 - t];  // ← reads another thread's
}
