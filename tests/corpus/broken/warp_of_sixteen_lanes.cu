// expect: lanes, line 7
// The sum of each warp of a block of 48 threads. The second warp has 16 lanes, and the first step reads 16 further on.
extern "C" __global__ void warp_sums(float* sums, const float* x) {
    const int t = threadIdx.x;
    float value = x[t];
    for (int d = 16; d > 0; d /= 2) {
        value += __shfl_xor_sync(0xffffffffu, value, d);  // ← lanes 16 to 31 of the second warp do not exist
    }
    if (t % 32 == 0) sums[t / 32] = value;
}
