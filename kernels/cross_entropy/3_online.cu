// Cross entropy, rung 3: maximum and sums in one pass over the row.
//
//   loss = −Σ t_k log p_k           p = softmax(x); t_k = (1 − ε) [k = label] + ε / K
//        = log s − (1 − ε) (x_label − m) − ε/K Σ (x_k − m)          m = max x, s = Σ exp(x_k − m)
//
// Rung 2 reads a row for the maximum, again for s, and again for Σ (x_k − m). Here each lane keeps all three with respect
// to the largest value so far, and corrects the sums when a larger one comes (M. Milakov, N. Gimelshein, "Online normalizer
// calculation for softmax", 2018). The quantity: global load requests per logit, a third of rung 2's with smoothing, half
// without; what it costs is a second exponential for each.
//
//   layout    logits [N, K] row-major, K ≥ 1; labels, others [N]: a label and a second one, see cross_entropy.cuh
//   defines   WEIGHTED, IGNORES, see cross_entropy.cuh; and see rows.cuh
//   launch    see rows.cuh
//   bytes     4 N K
//   FLOPs     about 9 N K with 2 N K exp
//   limit     latency: every exp waits for the maximum before it
//   measures  passes over the logits: one instead of three
#include "prelude/cross_entropy.cuh"
#include "prelude/rows.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
cross_entropy_forward(float* __restrict__ row_loss,    // [N]
                      float* __restrict__ statistics,  // [N, 2]: m and s of each row, for the backward pass
                      const element* __restrict__ x,   // [N, K]
                      const int* __restrict__ labels,  // [N]
                      const int* __restrict__ others,  // [N]
                      const float* __restrict__ weights,  // [K], if WEIGHTED
                      int n, int k, float smoothing, float weight, float all, int ignore) {
    const int row = own_row();
    if (row < n) {
        const element* logits = x + (size_t)row * k;
        // Finite from the start, for −∞ − −∞ is NaN. An element of the row also for lanes that have none of their own.
        float max = fmaxf(logits[0], -3.402823466e+38f), sum = 0.0f, spread = 0.0f, count = 0.0f;
        for (int i = own_lane(); i < k; i += LANES) {
            const float value = logits[i], larger = fmaxf(max, value);  // passes over NaN; the sums do not
            sum = fmaf(sum, expf(max - larger), expf(value - larger));
            const float v = class_weight(weights, i);
            spread += fmaf(count, max - larger, v * (value - larger));
            count += v;
            max = larger;
        }
        const auto add = [](float a, float b) { return a + b; };
        const float largest = across_lanes(max, [](float a, float b) { return fmaxf(a, b); });
        const RowStatistics of = {largest, across_lanes(sum * expf(max - largest), add)};
        spread = across_lanes(fmaf(count, max - largest, spread), add);
        if (own_lane() == 0) {
            const Targets targets = targets_of(labels, others, weight, ignore, row);
            finish_row(row_loss, statistics, logits, targets, weights, all, row, k, smoothing, of, spread);
        }
    }
}
