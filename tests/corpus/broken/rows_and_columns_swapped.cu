// expect: out of bounds on x, line 7
// Adds one to each element of a matrix that is not square. Reading, row and column are exchanged; on square matrices
// only the result would tell.
extern "C" __global__ void add_one(float* y, const float* x, int rows, int columns) {
    const int column = blockIdx.x * blockDim.x + threadIdx.x, row = blockIdx.y * blockDim.y + threadIdx.y;
    if (row < rows && column < columns) {
        const float value = x[column * columns + row];  // ← should be row * columns + column
        y[row * columns + column] = value + 1.0f;
    }
}
