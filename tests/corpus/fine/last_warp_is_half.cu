// expect: nothing: the second warp passes the mask of the 16 lanes that it has and begins with a step of 8
// The sum of each warp of a block of 48 threads.
extern "C" __global__ void warp_sums(float* sums, const float* x) {
    const int t = threadIdx.x, first = t / 32 * 32;
    const int lanes = min(32, (int)blockDim.x - first);
    const unsigned mask = lanes == 32 ? 0xffffffffu : (1u << lanes) - 1u;
    float value = x[t];
    for (int d = lanes / 2; d > 0; d /= 2) value += __shfl_xor_sync(mask, value, d);
    if (t == first) sums[t / 32] = value;
}
