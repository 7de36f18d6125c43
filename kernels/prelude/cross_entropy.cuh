// The cross entropy of one row of logits from what its kernels found out about the row.
//
//   defines   none
#pragma once
#include "prelude/element.cuh"

struct RowStatistics {
    float max, sum;  // m = max x, s = Σ exp(x_k − m)
};

// Writes the loss of row `row`, log s − (1 − ε) (x_label − m) − ε/K Σ (x_k − m), of which `spread` is the last sum, and keeps
// m and s for the backward pass. `logits` is the row.
__device__ __forceinline__ void finish_row(float* row_loss, float* statistics, const element* logits, int label, int row,
                                           int k, float smoothing, RowStatistics of, float spread) {
    float loss = __int_as_float(0x7fc00000);  // NaN
    if ((unsigned)label < (unsigned)k) {      // unsigned: one comparison refuses negative labels, too
        loss = logf(of.sum) - (1.0f - smoothing) * (logits[label] - of.max);
        // Left out without smoothing, where a logit of −∞ would make 0 · ∞.
        if (smoothing > 0.0f) loss -= smoothing / k * spread;
    }
    row_loss[row] = loss;
    statistics[2 * (size_t)row] = of.max;
    statistics[2 * (size_t)row + 1] = of.sum;
}
