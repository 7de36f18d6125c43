// expect: out of bounds on x, line 9
// The sum of each row. `<=` takes one element too many: the first of the next row, and after the last row one that is
// not there.
extern "C" __global__ void row_sums(float* sums, const float* x, int rows, int columns) {
    const int row = blockIdx.x * blockDim.x + threadIdx.x;
    if (row >= rows) return;
    float sum = 0.0f;
    for (int column = 0; column <= columns; ++column) {
        sum += x[row * columns + column];  // ← column == columns
    }
    sums[row] = sum;
}
