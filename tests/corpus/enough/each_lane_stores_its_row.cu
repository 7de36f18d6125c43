// Each lane stores what it wrote itself.
//! grid = 1
//! block = 32
//! [args]
//! y = "f32[128] empty"
//! x = "f32[128]"
#include "../waited/waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ alignas(16) float s[32][4];
    int i = threadIdx.x;
    for (int k = 0; k < 4; k++) s[i][k] = x[4 * i + k];
    FENCE_PROXY();
    STORE(y + 4 * i, s[i], 16);
    BULK_COMMIT();
    BULK_WAIT_READ(0);
    s[i][0] = 1;
}
