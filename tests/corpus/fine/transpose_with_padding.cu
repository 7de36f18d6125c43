// expect: nothing: nobody reads the column of the tile that nobody writes
// Transposes a matrix by tiles. Each row of the tile is one element longer than needed, so that a column spreads over
// all banks.
extern "C" __global__ void transpose(float* y, const float* x) {
    __shared__ float tile[16][17];
    const int rows = 16 * gridDim.y, columns = 16 * gridDim.x, i = threadIdx.y, j = threadIdx.x;
    const int row0 = blockIdx.y * 16, column0 = blockIdx.x * 16;
    tile[i][j] = x[(row0 + i) * columns + column0 + j];
    __syncthreads();
    y[(column0 + i) * rows + row0 + j] = tile[j][i];
}
