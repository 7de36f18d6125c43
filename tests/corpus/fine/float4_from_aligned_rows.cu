// expect: nothing: rows of 36 floats are 144 bytes, a multiple of 16
// The sum of four elements in each row, read as one vector from the fifth on.
extern "C" __global__ void sums_of_four(float* y, const float* x, int columns) {
    const int row = threadIdx.x;
    const float4 four = *(const float4*)(x + row * columns + 4);
    y[row] = four.x + four.y + four.z + four.w;
}
