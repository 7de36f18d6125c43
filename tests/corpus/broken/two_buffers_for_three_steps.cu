// expect: race on s, line 11 and line 14
// Adds each row of x, reversed, and the row before it, with two row buffers in turn and one barrier per step. One
// barrier would do if a step read only the row of its own; the row before it is in the buffer that the next step
// overwrites.
extern "C" __global__ void add_reversed_rows(float* y, const float* x, int steps) {
    __shared__ float s[2][64];
    const int t = threadIdx.x, mirrored = blockDim.x - 1 - t;
    float sum = 0.0f;
    s[1][t] = 0.0f;
    for (int step = 0; step < steps; ++step) {
        s[step % 2][t] = x[step * blockDim.x + t];  // ← writes over the row before the last
        __syncthreads();
        sum += s[step % 2][mirrored];
        sum += s[(step + 1) % 2][mirrored];  // ← which a slow warp still reads
    }
    y[t] = sum;
}
