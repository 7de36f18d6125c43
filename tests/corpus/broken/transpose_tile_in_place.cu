// expect: race on tile, line 10 and line 11
// Transposes each 16 × 16 tile of a matrix within shared memory. Reading the mirrored element and overwriting the own
// one needs a barrier in between, or else some threads read what has been swapped already.
extern "C" __global__ void transpose_tiles(float* y, const float* x) {
    __shared__ float tile[16][16];
    const int i = threadIdx.y, j = threadIdx.x, width = 16 * gridDim.x;
    const int at = (blockIdx.y * 16 + i) * width + blockIdx.x * 16 + j;
    tile[i][j] = x[at];
    __syncthreads();
    const float mirrored = tile[j][i];  // ← read by this thread
    tile[i][j] = mirrored;              // ← while the mirrored one writes
    __syncthreads();
    y[at] = tile[i][j];
}
