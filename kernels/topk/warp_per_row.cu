// Ranking classes: a warp per row.
//
//   topk      the k largest of each row in descending order, with their columns
//   totals    what an epoch's metrics are made of, added up on the device: Σ loss · n, rows, rows whose label ranks
//             first, rows whose label ranks among the first five, the first step whose loss was not finite
//
// Both use one total order of a row's elements: NaN first, then by value from +∞ down, equal values by column from the
// left. It is the order of an unsigned 64-bit number per element: value above, complement of the column below.
//
//   layout    logits [N, K] row-major; labels [N]
//   defines   see rows.cuh
//   launch    see rows.cuh
//   bytes     4 N K (topk reads a row k times, out of the cache)
//   FLOPs     none; topk compares k N K times, totals N K times
//   limit     requests: topk goes over a row again for each place
#include "prelude/element.cuh"
#include "prelude/rows.cuh"

typedef unsigned long long Rank;

// What an element is sorted by; the larger, the earlier. No two elements of a row have the same.
__device__ __forceinline__ Rank rank_of(float value, int column) {
    unsigned bits = __float_as_uint(value + 0.0f);  // −0 becomes +0, which it equals
    // Positive floats are ordered as their bits are, negative ones the other way round and below.
    bits = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
    if (isnan(value)) bits = 0xfff00000u;  // above +∞, and all NaN alike
    return (Rank)bits << 32 | ~(unsigned)column;
}

extern "C" __global__ void __launch_bounds__(THREADS)
topk_forward(float* __restrict__ values,     // [N, count]
             int* __restrict__ indices,      // [N, count]
             const element* __restrict__ x,  // [N, K], K ≥ count
             int n, int k, int count) {
    const int row = own_row();
    if (row < n) {
        const element* from = x + (size_t)row * k;
        Rank last = ~(Rank)0;  // above every element
        for (int place = 0; place < count; ++place) {
            // The next in order is the largest below the last one found: nothing has to be marked or sorted.
            Rank best = 0;
            for (int i = own_lane(); i < k; i += LANES) {
                const Rank rank = rank_of(from[i], i);
                if (rank < last && rank > best) best = rank;
            }
            last = across_lanes(best, [](Rank a, Rank b) { return a > b ? a : b; });
            if (own_lane() == 0) {
                const int column = (int)~(unsigned)last;  // the low word, as rank_of put it there
                const size_t to = (size_t)row * count + place;
                values[to] = from[column];
                indices[to] = column;
            }
        }
    }
}

struct Totals {
    double loss;          // Σ loss · n
    Rank rows;            // Σ n
    Rank first, in_five;  // rows whose label has rank 1, and 1 … 5
    Rank bad_step;        // 1 + the first step whose loss was not finite; 0 if there was none
};

extern "C" __global__ void __launch_bounds__(THREADS)
totals_forward(Totals* totals,                  // [1], added to
               const float* __restrict__ loss,  // [1], the mean over these rows
               const element* __restrict__ x,   // [N, K]
               const int* __restrict__ labels,  // [N]
               int n, int k, unsigned step) {
    if (blockIdx.x == 0 && threadIdx.x == 0) {
        // One thread of the grid touches these, so the sum has one order.
        totals->loss += (double)*loss * n;
        totals->rows += n;
        if (!isfinite(*loss) && totals->bad_step == 0) totals->bad_step = (Rank)step + 1;
    }
    const int row = own_row();
    if (row < n) {
        const element* from = x + (size_t)row * k;
        const int label = labels[row];
        const bool valid = (unsigned)label < (unsigned)k;  // otherwise a miss
        const Rank own = rank_of(from[valid ? label : 0], valid ? label : 0);
        int before = 0;  // classes that come before the label
        for (int i = own_lane(); i < k; i += LANES) before += rank_of(from[i], i) > own;
        before = across_lanes(before, [](int a, int b) { return a + b; });
        if (own_lane() == 0 && valid) {
            // Integers: the order in which blocks add does not show.
            if (before < 1) atomicAdd(&totals->first, (Rank)1);
            if (before < 5) atomicAdd(&totals->in_five, (Rank)1);
        }
    }
}
