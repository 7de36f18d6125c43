// expect: out of bounds on x, line 7
// The mean of three neighbours. The right end is taken care of; on the left, x[-1] is read.
extern "C" __global__ void blur(float* y, const float* x, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    const float right = i + 1 < n ? x[i + 1] : x[i];
    const float left = x[i - 1];  // ← i == 0
    y[i] = (left + x[i] + right) / 3.0f;
}
