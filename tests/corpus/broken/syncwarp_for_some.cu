// expect: lanes, line 10
// Even lanes hand their element to the odd lane after them. Only the odd ones wait, for a whole warp that does not
// come.
extern "C" __global__ void hand_over(float* y, const float* x) {
    __shared__ float s[32];
    const int lane = threadIdx.x;
    float value = x[lane];
    s[lane] = value;
    if (lane % 2 == 1) {
        __syncwarp();  // ← belongs before the branch
        value += s[lane - 1];
    }
    y[lane] = value;
}
