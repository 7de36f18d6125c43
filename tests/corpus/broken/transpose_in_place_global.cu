// expect: race on a, line 7 and line 8
// Transposes a square matrix in place, a thread for each element. Every element is read by one thread and written by
// another; half of the threads, swapping two elements each, would do.
extern "C" __global__ void transpose(float* a) {
    const int row = blockIdx.y * blockDim.y + threadIdx.y, column = blockIdx.x * blockDim.x + threadIdx.x;
    const int n = gridDim.x * blockDim.x;
    const float value = a[row * n + column];  // ← read by this thread
    a[column * n + row] = value;              // ← written by the thread of the mirrored element
}
