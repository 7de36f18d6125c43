// Two barriers, for full and for empty.
//! grid = 1
//! block = 64
//! [args]
//! y = "f32[32] empty"
//! x = "f32[96]"
#include "waits.h"
extern "C" __global__ void kernel(float* y, const float* x) {
    __shared__ float s[32];
    int i = threadIdx.x;
    if (i < 32) {
        for (int round = 0; round < 3; round++) {
            if (round > 0) BAR_SYNC(2, 64);  // orders 2
            s[i] = x[32 * round + i];  // ← 1 2
            BAR_ARRIVE(1, 64);
        }
    } else {
        float sum = 0;
        for (int round = 0; round < 3; round++) {
            BAR_SYNC(1, 64);  // orders 1
            sum += s[63 - i];  // ← 1 2
            if (round < 2) BAR_ARRIVE(2, 64);
        }
        y[i - 32] = sum;
    }
}
