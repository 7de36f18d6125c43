// Kernels of warps.rs: what CUDA promises about shuffles and votes within a warp.

// The four shuffles of every lane's value (its thread number), for one width and one operand.
extern "C" __global__ void shuffles(int* out, int width, int operand) {  // [threads, 4]
    const int t = threadIdx.x + blockDim.x * threadIdx.y;
    out[4 * t] = __shfl_sync(0xffffffffu, t, operand, width);
    out[4 * t + 1] = __shfl_up_sync(0xffffffffu, t, operand, width);
    out[4 * t + 2] = __shfl_down_sync(0xffffffffu, t, operand, width);
    out[4 * t + 3] = __shfl_xor_sync(0xffffffffu, t, operand, width);
}

// Lanes ask for different sources, and values of other types than int travel unharmed.
extern "C" __global__ void shuffle_types(float* floats, unsigned long long* wide, double* doubles) {
    const int t = threadIdx.x, lane = t & 31;
    floats[t] = __shfl_sync(0xffffffffu, 0.5f * t, 31 - lane);
    wide[t] = __shfl_sync(0xffffffffu, (unsigned long long)t << 40, lane * 7);
    doubles[t] = __shfl_xor_sync(0xffffffffu, t * 0.125, 3);
}

// The two halves of a warp meet among themselves, different numbers of times and at different places.
extern "C" __global__ void halves(int* out) {
    const int t = threadIdx.x, lane = t & 31;
    int sum = t;
    if (lane < 16) {
        for (int bits = 8; bits > 0; bits /= 2) sum += __shfl_xor_sync(0x0000ffffu, sum, bits);
    } else {
        for (int round = 0; round < 9; ++round) sum = __shfl_sync(0xffff0000u, sum + 1, 16 + (lane + 1) % 16);
        __syncwarp(0xffff0000u);
    }
    __syncwarp();
    out[t] = sum;
}

extern "C" __global__ void ballots(unsigned* out, const int* in) {  // [threads, 4]
    const int t = threadIdx.x;
    out[4 * t] = __ballot_sync(0xffffffffu, in[t]);
    out[4 * t + 1] = __any_sync(0xffffffffu, in[t]) != 0;
    out[4 * t + 2] = __all_sync(0xffffffffu, in[t]) != 0;
    // Only even lanes vote.
    unsigned even = 0xabcdef01u;
    if (t % 2 == 0) even = __ballot_sync(0x55555555u, in[t]);
    out[4 * t + 3] = even;
}

// __syncwarp orders shared memory within a warp: each warp reverses its own stretch, several times.
extern "C" __global__ void warp_reverse(int* out) {
    __shared__ int line[256];
    const int t = threadIdx.x, mirror = t ^ 31;
    line[t] = t;
    for (int round = 0; round < 5; ++round) {
        __syncwarp();
        int other = line[mirror];
        __syncwarp();
        line[t] = other;
    }
    out[t] = line[t];
}

// Warps that reach a barrier through different numbers of collectives.
extern "C" __global__ void mixed(int* out) {
    __shared__ int sums[8];
    const int t = threadIdx.x, warp = t / 32;
    int sum = 1;
    for (int round = 0; round < warp; ++round) sum += __shfl_xor_sync(0xffffffffu, sum, 1);
    if (t % 32 == 0) sums[warp] = sum;
    __syncthreads();
    out[t] = sums[(warp + 1) % 8];
}
