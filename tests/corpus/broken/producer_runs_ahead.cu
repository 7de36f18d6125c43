// expect: race on slot, line 9 and line 11
// The first warp loads rows, the second adds them up. A barrier says that a row is there; none says that it has been
// read, so the producer overwrites it.
extern "C" __global__ void pipeline(float* y, const float* x, int rounds) {
    __shared__ float slot[32];
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    float sum = 0.0f;
    for (int round = 0; round < rounds; ++round) {
        if (warp == 0) slot[lane] = x[round * 32 + lane];  // ← produces the next row
        __syncthreads();
        if (warp == 1) sum += slot[lane];  // ← before this one was consumed
    }
    if (warp == 1) y[lane] = sum;
}
