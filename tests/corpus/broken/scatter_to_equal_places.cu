// expect: race on y, line 5
// Puts each element into the place that a table names. The table names places twice: the one who comes last wins.
extern "C" __global__ void scatter(float* y, const float* x, const int* place) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    y[place[i]] = x[i];  // ← right only if no place occurs twice
}
