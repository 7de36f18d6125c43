// expect: lanes, line 8
// Adds up the first half of a warp with the right mask, and takes the first step 16 lanes far: that reads the other
// half, which does not take part.
extern "C" __global__ void half_sum(float* y, const float* x) {
    const int lane = threadIdx.x;
    float value = x[lane];
    if (lane < 16) {
        value += __shfl_down_sync(0x0000ffffu, value, 16);  // ← should begin with 8
    }
    y[lane] = value;
}
