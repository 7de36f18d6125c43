// expect: misaligned on x, line 5
// Adds pairs of elements, beginning with the second. A float2 has to lie at a multiple of eight bytes.
extern "C" __global__ void add_pairs(float* y, const float* x) {
    const float2* pairs = (const float2*)(x + 1);
    const float2 pair = pairs[threadIdx.x];  // ← four bytes off
    y[threadIdx.x] = pair.x + pair.y;
}
