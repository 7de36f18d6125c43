// expect: uninitialized on partial, line 12
// The sum of a block: one for each warp, then the sum of these by the first warp. All its 32 lanes take one, but four
// warps made four.
extern "C" __global__ void reduce(float* sum, const float* x) {
    __shared__ float partial[32];
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    float value = x[threadIdx.x];
    for (int d = 16; d > 0; d /= 2) value += __shfl_down_sync(0xffffffffu, value, d);
    if (lane == 0) partial[warp] = value;
    __syncthreads();
    if (warp == 0) {
        value = partial[lane];  // ← should be 0 from lane 4 on
        for (int d = 16; d > 0; d /= 2) value += __shfl_down_sync(0xffffffffu, value, d);
        if (lane == 0) *sum = value;
    }
}
