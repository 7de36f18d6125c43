// expect: race on sums, line 8
// The sum of each column, the rows split among blocks. Each thread adds its part once, but the four blocks of a column
// meet in the same element.
extern "C" __global__ void column_sums(float* sums, const float* x, int rows) {
    const int column = blockIdx.x * blockDim.x + threadIdx.x, columns = gridDim.x * blockDim.x;
    float sum = 0.0f;
    for (int row = blockIdx.y * rows; row < (blockIdx.y + 1) * rows; ++row) sum += x[row * columns + column];
    sums[column] += sum;  // ← should be an atomicAdd, or a partial sum of its own
}
