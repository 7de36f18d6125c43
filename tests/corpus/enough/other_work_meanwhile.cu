// Other registers and other memory are free while a multiply is in flight.
//! grid = 1
//! block = 128
//! [args]
//! y = "f32[128] empty"
//! x = "f32[128]"
#include "../waited/waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ alignas(128) unsigned a[512], b[64];
    int i = threadIdx.x;
    for (int k = i; k < 512; k += 128) a[k] = 0x3C003C00;
    if (i < 64) b[i] = 0x40004000;
    FENCE_PROXY();
    __syncthreads();
    __shared__ float s[128];
    float d[4] = {};
    MULTIPLY_FENCE(d);
    MULTIPLY(d, a, b);
    MULTIPLY_COMMIT();
    s[i] = 3 * x[i];
    float own = s[i] + x[i];
    MULTIPLY_WAIT(0, d);
    y[i] = own + d[0] + d[1] + d[2] + d[3];
}
