// expect: out of bounds on y, line 8
// Scales an array four elements at a time. Its length is no multiple of four, so that the last vector hangs over the
// end.
extern "C" __global__ void scale(float* y, int n, float a) {
    const int i = 4 * (blockIdx.x * blockDim.x + threadIdx.x);
    if (i < n) {
        float4* at = (float4*)(y + i);
        *at = make_float4(a * at->x, a * at->y, a * at->z, a * at->w);  // ← i + 3 may not be below n
    }
}
