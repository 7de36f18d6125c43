// Softmax and cross entropy, rung 2: a warp per row, combined by shuffles.
//
//   softmax        p_k = exp(x_k − m) / s          m = max x, s = Σ exp(x_k − m)
//   cross entropy  loss = −Σ t_k log p_k           averaged over rows; t_k = (1 − ε) [k = label] + ε / K
//   backward       dx_k = dloss / N · (T p_k − v_k t_k); without classes' weights v and T are 1, see cross_entropy.cuh
//
// Over rung 1 (a thread per row) the lanes of a warp read neighbours of one row: a request touches 4 sectors instead of
// 32. That is the quantity: sectors per request of the global loads. What the lanes found is combined by shuffles.
//
// The maximum is subtracted before anything is raised, so no logit overflows; m and s are kept apart rather than as
// m + log s, which would round away s where m is large. A NaN in a row makes its loss and gradients NaN, and so does a
// label outside 0 … K − 1, for which nothing is read: a silent number would be worse.
//
//   layout    logits [N, K] row-major, K ≥ 1; labels, others [N]: a label and a second one, see cross_entropy.cuh
//   defines   WEIGHTED, IGNORES, see cross_entropy.cuh; and see rows.cuh
//   launch    see rows.cuh; the mean takes one block
//   bytes     forward 4 N K (a row's further readings hit the cache), backward 8 N K
//   FLOPs     about 5 N K with N K exp
//   limit     requests: three passes over each row
//   measures  sectors per request of the global loads: 4 instead of 32
#include "prelude/cross_entropy.cuh"
#include "prelude/rows.cuh"

static_assert((THREADS & (THREADS - 1)) == 0, "the tree of the mean halves the block");

__device__ __forceinline__ RowStatistics row_statistics(const element* __restrict__ x, int k) {
    float largest = x[0];  // an element of the row also for lanes that have none of their own
    // fmaxf passes over NaN; the sum below does not.
    for (int i = own_lane(); i < k; i += LANES) largest = fmaxf(largest, x[i]);
    largest = across_lanes(largest, [](float a, float b) { return fmaxf(a, b); });
    float sum = 0.0f;
    for (int i = own_lane(); i < k; i += LANES) sum += expf(x[i] - largest);
    return {largest, across_lanes(sum, [](float a, float b) { return a + b; })};
}

extern "C" __global__ void __launch_bounds__(THREADS)
softmax_forward(element* __restrict__ p,        // [N, K]
                const element* __restrict__ x,  // [N, K]
                int n, int k) {
    const int row = own_row();
    if (row < n) {
        const size_t start = (size_t)row * k;
        const RowStatistics of = row_statistics(x + start, k);
        for (int i = own_lane(); i < k; i += LANES) p[start + i] = expf(x[start + i] - of.max) / of.sum;
    }
}

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
        const RowStatistics of = row_statistics(logits, k);
        float spread = 0.0f;  // Σ v_k (x_k − m)
        if (smoothing > 0.0f) {
            for (int i = own_lane(); i < k; i += LANES) spread += class_weight(weights, i) * (logits[i] - of.max);
            spread = across_lanes(spread, [](float a, float b) { return a + b; });
        }
        if (own_lane() == 0) {
            const Targets targets = targets_of(labels, others, weight, ignore, row);
            finish_row(row_loss, statistics, logits, targets, weights, all, row, k, smoothing, of, spread);
        }
    }
}

// Of all rows the mean, or the sum. One block, so that the order of summation is fixed. In double: it is as good as the rows are.
extern "C" __global__ void __launch_bounds__(THREADS)
cross_entropy_forward_mean(float* __restrict__ loss,            // [1]
                           float* __restrict__ rows,            // [1]: what the sum is divided by, for the backward pass
                           const float* __restrict__ row_loss,  // [N]
                           const int* __restrict__ labels,      // [N]
                           const float* __restrict__ weights,   // [K], if WEIGHTED
                           int n, int k, float weight, int ignore, int mean) {  // mean: not the sum
    __shared__ double sums[THREADS], counts[THREADS];
    const int t = (int)threadIdx.x;
    double sum = 0.0, count = 0.0;
    for (int row = t; row < n; row += THREADS) {
        sum += (double)row_loss[row];
        const int label = labels[row];
        if (is_ignored(label, ignore)) continue;
        // A label that is no class has made the row's loss NaN.
        if (weight == 1.0f && (unsigned)label < (unsigned)k) count += (double)class_weight(weights, label);
        else count += 1.0;
    }
    sums[t] = sum;
    counts[t] = count;
    for (int half = THREADS / 2; half > 0; half /= 2) {
        __syncthreads();  // the upper half's sums of the last round are there
        if (t < half) {
            sums[t] += sums[t + half];
            counts[t] += counts[t + half];
        }
    }
    if (t == 0) {
        const double over = mean ? counts[0] : 1.0;
        *loss = (float)(sums[0] / over);
        *rows = (float)over;
    }
}

extern "C" __global__ void __launch_bounds__(THREADS)
cross_entropy_backward(element* __restrict__ dx,              // [N, K]
                       const float* __restrict__ dloss,       // [1], or [N] if by_row; read here so that nobody waits for it
                       const element* __restrict__ x,         // [N, K]
                       const int* __restrict__ labels,        // [N]
                       const int* __restrict__ others,        // [N]
                       const float* __restrict__ statistics,  // [N, 2]
                       const float* __restrict__ rows,        // [1], unless by_row
                       const float* __restrict__ weights,     // [K], if WEIGHTED
                       int n, int k, float smoothing, float weight, float all, int ignore, int by_row) {
    const int row = own_row();
    if (row < n) {
        const size_t start = (size_t)row * k;
        const float max = statistics[2 * (size_t)row], inverse = 1.0f / statistics[2 * (size_t)row + 1];
        const Targets targets = targets_of(labels, others, weight, ignore, row);
        float scale = by_row ? dloss[row] : *dloss / *rows, sum = 1.0f;
        if (targets.ignored) scale = 0.0f;
        else if (!are_classes(targets, k)) scale = __int_as_float(0x7fc00000);  // as the loss of that row
        else sum = total_target(weights, all, targets, k, smoothing);
        for (int i = own_lane(); i < k; i += LANES) {
            const float share = (i == targets.label ? weight : 0.0f) + (i == targets.other ? 1.0f - weight : 0.0f);
            const float target = (1.0f - smoothing) * share + smoothing / k;
            const float p = expf(x[start + i] - max) * inverse;
            const float gradient = scale * (sum * p - class_weight(weights, i) * target);
            dx[start + i] = targets.ignored ? 0.0f : gradient;  // also where p is NaN
        }
    }
}
