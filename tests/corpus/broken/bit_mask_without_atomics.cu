// expect: race on mask, line 5
// One bit for each positive element. Threads set different bits, but of the same words, and `|=` writes whole words.
extern "C" __global__ void positive(unsigned* mask, const float* x) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (x[i] > 0.0f) mask[i / 32] |= 1u << (i % 32);  // ← should be an atomicOr, or a ballot
}
