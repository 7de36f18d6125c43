// expect: misaligned on memory, line 9
// Two arrays in one piece of dynamic shared memory, 33 flags and then 33 floats: the floats begin at byte 33.
extern "C" __global__ void choose(float* y, const float* x, const unsigned char* keep) {
    extern __shared__ unsigned char memory[];
    const int t = threadIdx.x;
    unsigned char* flags = memory;
    float* values = (float*)(memory + blockDim.x);
    flags[t] = keep[t];
    y[t] = values[t] = flags[t] ? x[t] : 0.0f;  // ← the offset has to be rounded up to a multiple of four
}
