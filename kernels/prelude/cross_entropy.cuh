// The cross entropy of one row of logits from what its kernels found out about the row.
//
// A row may have two labels a and b, with weights w and 1 − w: the target is t_k = (1 − ε) (w [k = a] + (1 − w) [k = b]) + ε / K.
// With one label w is 1.
//
//   defines   none
#pragma once
#include "prelude/element.cuh"

struct RowStatistics {
    float max, sum;  // m = max x, s = Σ exp(x_k − m)
};

// The labels of a row.
struct Targets {
    int label, other;
    float weight;  // of `label`
};

// `others` is not looked at where a row has one label.
__device__ __forceinline__ Targets targets_of(const int* labels, const int* others, float weight, int row) {
    const int label = labels[row];
    return {label, weight < 1.0f ? others[row] : label, weight};
}

__device__ __forceinline__ bool are_classes(Targets of, int k) {
    return (unsigned)of.label < (unsigned)k && (unsigned)of.other < (unsigned)k;  // unsigned: negative ones are refused, too
}

// Writes the loss of row `row`, log s − (1 − ε) (x_label − m) − ε/K Σ (x_k − m), of which `spread` is the last sum, and keeps
// m and s for the backward pass. `logits` is the row.
__device__ __forceinline__ void finish_row(float* row_loss, float* statistics, const element* logits, Targets targets, int row,
                                           int k, float smoothing, RowStatistics of, float spread) {
    float loss = __int_as_float(0x7fc00000);  // NaN
    if (are_classes(targets, k)) {
        float own = logits[targets.label] - of.max;
        // Left out with one label, where a logit of −∞ would make 0 · ∞.
        if (targets.weight < 1.0f) {
            own = targets.weight * own + (1.0f - targets.weight) * (logits[targets.other] - of.max);
        }
        loss = logf(of.sum) - (1.0f - smoothing) * own;
        // Left out without smoothing, where a logit of −∞ would make 0 · ∞.
        if (smoothing > 0.0f) loss -= smoothing / k * spread;
    }
    row_loss[row] = loss;
    statistics[2 * (size_t)row] = of.max;
    statistics[2 * (size_t)row + 1] = of.sum;
}
