// expect: race on rows, line 9 and line 11
// Matrix product with the rows of A staged in shared memory, 16 columns at a time. The barrier that lets everybody see
// the complete tile is missing.
extern "C" __global__ void matmul(float* c, const float* a, const float* b, int n) {
    __shared__ float rows[16][16];
    const int row = blockIdx.y * 16 + threadIdx.y, column = blockIdx.x * 16 + threadIdx.x;
    float sum = 0.0f;
    for (int k0 = 0; k0 < n; k0 += 16) {
        rows[threadIdx.y][threadIdx.x] = a[row * n + k0 + threadIdx.x];  // ← each thread copies one element
        for (int k = 0; k < 16; ++k) {
            sum += rows[threadIdx.y][k] * b[(k0 + k) * n + column];  // ← and at once reads those of others
        }
        __syncthreads();
    }
    c[row * n + column] = sum;
}
