// expect: lanes, line 8
// The sum of each warp. Lanes without an element have returned and the mask still names them.
extern "C" __global__ void warp_sums(float* sums, const float* x, int n) {
    const int t = threadIdx.x;
    if (t >= n) return;
    float value = x[t];
    for (int d = 16; d > 0; d /= 2) {
        value += __shfl_down_sync(0xffffffffu, value, d);  // ← the second warp has 18 lanes left
    }
    if (t % 32 == 0) sums[t / 32] = value;
}
