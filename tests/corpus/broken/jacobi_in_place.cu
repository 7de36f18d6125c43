// expect: race on u, line 7
// One step of Jacobi's method on a grid with a border: each inner point becomes the mean of its four neighbours.
// Written into the array that it is read from, a point sees neighbours of this step or of the last, as it happens.
extern "C" __global__ void jacobi(float* u) {
    const int width = gridDim.x * blockDim.x + 2;
    const int at = (blockIdx.y * blockDim.y + threadIdx.y + 1) * width + blockIdx.x * blockDim.x + threadIdx.x + 1;
    u[at] = 0.25f * (u[at - 1] + u[at + 1] + u[at - width] + u[at + width]);  // ← needs a second array
}
