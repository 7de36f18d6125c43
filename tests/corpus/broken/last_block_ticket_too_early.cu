// expect: race on partial, line 16 and line 19
// The sum of an array in one launch: the block that finishes last adds up the sums of all. A block draws its ticket before
// it writes its sum, so that the fence orders nothing that matters.
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
        __threadfence();
        const bool last = atomicAdd(finished, 1u) == gridDim.x - 1;
        partial[blockIdx.x] = s[0];  // ← written after the ticket
        if (last) {
            float all = 0.0f;
            for (int block = 0; block < gridDim.x; ++block) all += partial[block];  // ← read by the last block
            *sum = all;
        }
    }
}
