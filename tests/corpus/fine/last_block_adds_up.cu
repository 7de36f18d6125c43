// expect: nothing: a fence stands between a block's sum and its ticket, and the ticket is atomic
// The sum of an array in one launch. The block that draws the last ticket knows that the sums of all others are there.
extern "C" __global__ void sum_all(float* sum, volatile float* partial, unsigned* finished, const float* x) {
    __shared__ float s[64];
    __shared__ bool last;
    const int t = threadIdx.x;
    s[t] = x[blockIdx.x * blockDim.x + t];
    __syncthreads();
    for (int stride = blockDim.x / 2; stride > 0; stride /= 2) {
        if (t < stride) s[t] += s[t + stride];
        __syncthreads();
    }
    if (t == 0) {
        partial[blockIdx.x] = s[0];
        __threadfence();
        last = atomicAdd(finished, 1u) == gridDim.x - 1;
    }
    __syncthreads();
    if (last && t == 0) {
        float all = 0.0f;
        for (int block = 0; block < gridDim.x; ++block) all += partial[block];
        *sum = all;
        *finished = 0;
    }
}
