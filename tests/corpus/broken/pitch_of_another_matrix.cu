// expect: out of bounds on x, line 6
// Copies a densely stored matrix, a block for each row. It is read with the pitch of a padded one.
extern "C" __global__ void copy(float* y, const float* x, int columns, int pitch) {
    const int row = blockIdx.x, column = threadIdx.x;
    if (column < columns) {
        const float value = x[row * pitch + column];  // ← rows of x are `columns` apart
        y[row * columns + column] = value;
    }
}
