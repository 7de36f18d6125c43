// expect: uninitialized on s, line 12
// The sum of each 64 elements. The threads of the last block that have no element leave their place in the tile as it
// is, and the sum takes it along. They should write a zero.
extern "C" __global__ void tile_sums(float* sums, const float* x, int n) {
    __shared__ float s[64];
    const int t = threadIdx.x, i = blockIdx.x * blockDim.x + t;
    if (i < n) s[t] = x[i];
    __syncthreads();
    if (t == 0) {
        float sum = 0.0f;
        for (int k = 0; k < blockDim.x; ++k) {
            sum += s[k];  // ← of the last tile only 38 elements are there
        }
        sums[blockIdx.x] = sum;
    }
}
