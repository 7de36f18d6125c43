// expect: out of bounds on largest, line 8
// The largest element of each 32. 130 elements take five blocks; room was made for 130 / 32 = 4 results.
extern "C" __global__ void maxima(float* largest, const float* x, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    float value = i < n ? x[i] : -1e30f;
    for (int d = 16; d > 0; d /= 2) value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, d));
    if (threadIdx.x == 0) {
        largest[blockIdx.x] = value;  // ← block 4
    }
}
