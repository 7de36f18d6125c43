// expect: race on s, line 10
// The sum of each block's 128 elements, as a tree. The barrier after the loading is there, the one between two levels
// of the tree is not: a thread adds what a thread of another warp may not have summed up yet.
extern "C" __global__ void reduce(float* sums, const float* x) {
    __shared__ float s[128];
    const int t = threadIdx.x;
    s[t] = x[blockIdx.x * blockDim.x + t];
    __syncthreads();
    for (int stride = blockDim.x / 2; stride > 0; stride /= 2) {
        if (t < stride) s[t] += s[t + stride];  // ← reads what the level before may not have written
    }
    if (t == 0) sums[blockIdx.x] = s[0];
}
