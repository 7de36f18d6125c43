// expect: barrier, line 11
// The sum of a block, as a tree. The barrier stands inside the `if`, where only those that add meet it.
extern "C" __global__ void reduce(float* sum, const float* x) {
    __shared__ float s[128];
    const int t = threadIdx.x;
    s[t] = x[t];
    __syncthreads();
    for (int stride = blockDim.x / 2; stride > 0; stride /= 2) {
        if (t < stride) {
            s[t] += s[t + stride];
            __syncthreads();  // ← reached by threads below `stride` only
        }
    }
    if (t == 0) *sum = s[0];
}
