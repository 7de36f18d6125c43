// expect: lanes, line 7
// Adds up the first half of a warp. The branch has only its lanes, and the mask names all: they wait for ever.
extern "C" __global__ void half_sum(float* y, const float* x) {
    const int lane = threadIdx.x;
    float value = x[lane];
    if (lane < 16) {
        value += __shfl_xor_sync(0xffffffffu, value, 8);  // ← should pass 0x0000ffff
    }
    y[lane] = value;
}
