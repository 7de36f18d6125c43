// expect: nothing: bytes are memory locations of their own, whatever word they lie in
// Rounds elements to bytes. Four threads write into each 32-bit word, two blocks meet in the middle of one.
extern "C" __global__ void to_bytes(unsigned char* y, const float* x, int n) {
    const int i = blockIdx.x * 62 + threadIdx.x;
    const bool mine = threadIdx.x < 62 || blockIdx.x == gridDim.x - 1;
    if (mine && i < n) y[i] = (unsigned char)(127.5f + 127.0f * x[i]);
}
