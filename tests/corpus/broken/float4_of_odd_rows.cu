// expect: misaligned on x, line 6
// The sum of the first four elements of each row, read as one vector. With rows of 33 floats, all but each fourth begin
// at an address that is no multiple of 16.
extern "C" __global__ void head_sums(float* y, const float* x, int columns) {
    const int row = threadIdx.x;
    const float4 head = *(const float4*)(x + row * columns);  // ← row 1 begins 132 bytes after row 0
    y[row] = head.x + head.y + head.z + head.w;
}
