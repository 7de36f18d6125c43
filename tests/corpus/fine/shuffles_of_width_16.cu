// expect: nothing: with width 16, a lane whose source lies beyond its half keeps its own value
// The sum of each 16 elements: the warp does two at a time. The mask names all lanes, for all take part.
extern "C" __global__ void sums_of_16(float* sums, const float* x) {
    float value = x[threadIdx.x];
    for (int d = 8; d > 0; d /= 2) value += __shfl_down_sync(0xffffffffu, value, d, 16);
    if (threadIdx.x % 16 == 0) sums[threadIdx.x / 16] = value;
}
