// expect: out of bounds on tile, line 10
// The sum of each column of an 8 × 32 tile. The indices are exchanged: tile[t] exists for the first eight threads only.
extern "C" __global__ void column_sums(float* sums, const float* x, int rows) {
    __shared__ float tile[8][32];
    const int t = threadIdx.x;
    for (int row = 0; row < rows; ++row) tile[row][t] = x[row * 32 + t];
    __syncthreads();
    float sum = 0.0f;
    for (int row = 0; row < rows; ++row) {
        sum += tile[t][row];  // ← should be tile[row][t]
    }
    sums[t] = sum;
}
