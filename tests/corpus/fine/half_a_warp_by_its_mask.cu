// expect: nothing: the mask names the lanes of the branch, and the steps stay within them
// Rotates the first half of a warp by shuffles and reverses it through shared memory; the other half is not asked.
extern "C" __global__ void half_warp(float* y, const float* x) {
    __shared__ float s[16];
    const int lane = threadIdx.x;
    float value = x[lane];
    if (lane < 16) {
        value = __shfl_sync(0x0000ffffu, value, (lane + 1) % 16);
        s[lane] = value;
        __syncwarp(0x0000ffffu);
        value = s[15 - lane];
    }
    y[lane] = value;
}
