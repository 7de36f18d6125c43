// Cross entropy, rung 1: a thread per row.
//
//   loss = −Σ t_k log p_k           p = softmax(x); t_k = (1 − ε) [k = label] + ε / K
//        = log s − (1 − ε) (x_label − m) − ε/K Σ (x_k − m)          m = max x, s = Σ exp(x_k − m)
//
// The formula, line by line. Neighbouring threads read the same place of neighbouring rows, K floats apart: each request
// touches 32 sectors, of which 4 bytes each are used. The quantity that rung 2 mends: sectors per request of the global
// loads.
//
//   layout    logits [N, K] row-major, K ≥ 1; labels, others [N]: a label and a second one, see cross_entropy.cuh
//   defines   WEIGHTED, IGNORES, see cross_entropy.cuh
//   launch    ⌈N / 256⌉ blocks of 256 threads
//   bytes     4 N K
//   FLOPs     about 5 N K with N K exp
//   limit     sectors: each lane reads a row of its own
//   measures  sectors per request of the global loads: 32
#include "prelude/cross_entropy.cuh"

constexpr int THREADS = 256;

extern "C" __global__ void __launch_bounds__(THREADS)
cross_entropy_forward(float* __restrict__ row_loss,    // [N]
                      float* __restrict__ statistics,  // [N, 2]: m and s of each row, for the backward pass
                      const element* __restrict__ x,   // [N, K]
                      const int* __restrict__ labels,  // [N]
                      const int* __restrict__ others,  // [N]
                      const float* __restrict__ weights,  // [K], if WEIGHTED
                      int n, int k, float smoothing, float weight, float all, int ignore) {
    const int row = blockIdx.x * THREADS + threadIdx.x;
    if (row >= n) return;
    const element* logits = x + (size_t)row * k;
    RowStatistics of = {logits[0], 0.0f};
    for (int i = 1; i < k; ++i) of.max = fmaxf(of.max, logits[i]);  // passes over NaN; the sum does not
    for (int i = 0; i < k; ++i) of.sum += expf(logits[i] - of.max);
    float spread = 0.0f;  // Σ v_k (x_k − m)
    if (smoothing > 0.0f) {
        for (int i = 0; i < k; ++i) spread += class_weight(weights, i) * (logits[i] - of.max);
    }
    const Targets targets = targets_of(labels, others, weight, ignore, row);
    finish_row(row_loss, statistics, logits, targets, weights, all, row, k, smoothing, of, spread);
}
