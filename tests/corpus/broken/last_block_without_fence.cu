// expect: race on partial, line 14 and line 17
// The sum of an array in one launch: the block that finishes last adds up the sums of all. Without a __threadfence()
// between a block's sum and its ticket, the last block may see the ticket and not the sum.
extern "C" __global__ void sum_all(float* sum, float* partial, unsigned* finished, const float* x) {
    __shared__ float s[64];
    const int t = threadIdx.x;
    s[t] = x[blockIdx.x * blockDim.x + t];
    __syncthreads();
    for (int stride = blockDim.x / 2; stride > 0; stride /= 2) {
        if (t < stride) s[t] += s[t + stride];
        __syncthreads();
    }
    if (t == 0) {
        partial[blockIdx.x] = s[0];  // ← written; a __threadfence() is missing
        if (atomicAdd(finished, 1u) == gridDim.x - 1) {
            float all = 0.0f;
            for (int block = 0; block < gridDim.x; ++block) all += partial[block];  // ← read by the last block
            *sum = all;
        }
    }
}
