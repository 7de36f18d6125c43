// expect: race on partial, line 11 and line 14
// The sum of a block by shuffles: one sum for each warp, then the sum of these. __syncwarp() makes a warp wait for
// itself, and it is the other warps that have to be waited for.
extern "C" __global__ void reduce(float* sum, const float* x) {
    __shared__ float partial[32];
    const int t = threadIdx.x, warp = t / 32, lane = t % 32;
    if (t < 32) partial[t] = 0.0f;
    __syncthreads();
    float value = x[t];
    for (int d = 16; d > 0; d /= 2) value += __shfl_down_sync(0xffffffffu, value, d);
    if (lane == 0) partial[warp] = value;  // ← each warp writes its sum
    __syncwarp();
    if (warp == 0) {
        value = partial[lane];  // ← the first warp reads them all
        for (int d = 16; d > 0; d /= 2) value += __shfl_down_sync(0xffffffffu, value, d);
        if (lane == 0) *sum = value;
    }
}
