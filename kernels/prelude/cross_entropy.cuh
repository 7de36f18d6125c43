// The cross entropy of one row of logits from what its kernels found out about the row.
//
// A row may have two labels a and b, with weights w and 1 − w: the target is t_k = (1 − ε) (w [k = a] + (1 − w) [k = b]) + ε / K.
// With one label w is 1.
//
// Classes may have weights v_k: the loss of a row is then −Σ v_k t_k log p_k = T log s − Σ v_k t_k (x_k − m) with T = Σ v_k t_k, and
// rows are added up over Σ v_label, as PyTorch has it, or over their number if they have two labels.
//
// Rows whose label is `ignore` count for nothing: their loss is 0, and so is their gradient.
//
//   defines   WEIGHTED, if classes have weights; IGNORES, if there is such a label
#pragma once
#include "prelude/element.cuh"

struct RowStatistics {
    float max, sum;  // m = max x, s = Σ exp(x_k − m)
};

// The labels of a row.
struct Targets {
    int label, other;
    float weight;  // of `label`
    bool ignored;
};

// The weight of class k. Without weights it is a constant, which leaves the formulas as they are without it.
__device__ __forceinline__ float class_weight(const float* weights, int k) {
#ifdef WEIGHTED
    return weights[k];
#else
    return 1.0f;
#endif
}

__device__ __forceinline__ bool is_ignored(int label, int ignore) {
#ifdef IGNORES
    return label == ignore;
#else
    return false;
#endif
}

// `others` is not looked at where a row has one label.
__device__ __forceinline__ Targets targets_of(const int* labels, const int* others, float weight, int ignore, int row) {
    const int label = labels[row];
    return {label, weight < 1.0f ? others[row] : label, weight, is_ignored(label, ignore)};
}

__device__ __forceinline__ bool are_classes(Targets of, int k) {
    return (unsigned)of.label < (unsigned)k && (unsigned)of.other < (unsigned)k;  // unsigned: negative ones are refused, too
}

// T of a row; `all` is the sum of all classes' weights.
__device__ __forceinline__ float total_target(const float* weights, float all, Targets of, int k, float smoothing) {
#ifdef WEIGHTED
    const float own = of.weight * weights[of.label] + (1.0f - of.weight) * weights[of.other];
    return (1.0f - smoothing) * own + smoothing / k * all;
#else
    return 1.0f;
#endif
}

// Writes the loss of row `row`, log s − (1 − ε) (x_label − m) − ε/K Σ (x_k − m), of which `spread` is the last sum, and keeps
// m and s for the backward pass. `logits` is the row.
__device__ __forceinline__ void finish_row(float* row_loss, float* statistics, const element* logits, Targets targets,
                                           const float* weights, float all, int row, int k, float smoothing,
                                           RowStatistics of, float spread) {
    float loss = targets.ignored ? 0.0f : __int_as_float(0x7fc00000);  // NaN
    if (!targets.ignored && are_classes(targets, k)) {
        float own = class_weight(weights, targets.label) * (logits[targets.label] - of.max);
        // Left out with one label, where a logit of −∞ would make 0 · ∞.
        if (targets.weight < 1.0f) {
            const float other = class_weight(weights, targets.other) * (logits[targets.other] - of.max);
            own = targets.weight * own + (1.0f - targets.weight) * other;
        }
        loss = total_target(weights, all, targets, k, smoothing) * logf(of.sum) - (1.0f - smoothing) * own;
        // Left out without smoothing, where a logit of −∞ would make 0 · ∞.
        if (smoothing > 0.0f) loss -= smoothing / k * spread;
    }
    row_loss[row] = loss;
    statistics[2 * (size_t)row] = of.max;
    statistics[2 * (size_t)row + 1] = of.sum;
}
