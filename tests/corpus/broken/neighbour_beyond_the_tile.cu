// expect: out of bounds on s, line 8
// The difference of neighbours, staged in shared memory. The last thread of a block reads one element past the tile.
extern "C" __global__ void differences(float* y, const float* x) {
    __shared__ float s[64];
    const int t = threadIdx.x, i = blockIdx.x * blockDim.x + t;
    s[t] = x[i];
    __syncthreads();
    y[i] = s[t + 1] - s[t];  // ← t == 63
}
