// expect: race on columns, line 9 and line 12
// Matrix product with the columns of B staged in shared memory. The barrier at the end of the loop is missing: a fast
// warp overwrites the tile that slow ones still multiply with. Sizes of one tile hide it.
extern "C" __global__ void matmul(float* c, const float* a, const float* b, int n) {
    __shared__ float columns[16][16];
    const int row = blockIdx.y * 16 + threadIdx.y, column = blockIdx.x * 16 + threadIdx.x;
    float sum = 0.0f;
    for (int k0 = 0; k0 < n; k0 += 16) {
        columns[threadIdx.y][threadIdx.x] = b[(k0 + threadIdx.y) * n + column];  // ← writes the next tile
        __syncthreads();
        for (int k = 0; k < 16; ++k) {
            sum += a[row * n + k0 + k] * columns[k][threadIdx.x];  // ← while others read this one
        }
    }
    c[row * n + column] = sum;
}
