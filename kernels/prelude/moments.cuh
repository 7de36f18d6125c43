// Mean and squared deviations of channels, gathered in one pass over memory.
//
// A thread holds a group of rows in registers, takes their mean and their squared deviations from it (two passes, but
// over registers), and merges the pair into what it has. E[x²] − E[x]² would need no merging but cancels: with mean 1000
// and deviation 1 little of the variance is left in f32.
#pragma once
#include "prelude/columns.cuh"

struct Moments {
    vec<VEC> mean;
    vec<VEC> m2;  // Σ (x − mean)²
    int count;    // of values
};

// T. F. Chan, G. H. Golub, R. J. LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances",
// Stanford 1979: the moments of a and b together, from differences between means only.
__device__ __forceinline__ Moments merge(const Moments& a, const Moments& b) {
    if (b.count == 0) return a;  // a thread that had no rows
    const int count = a.count + b.count;
    const float share = (float)b.count / (float)count, weight = (float)a.count * share;
    const vec<VEC> delta = map<VEC>([](float p, float q) { return q - p; }, a.mean, b.mean);
    const auto sum = [=](float p, float q, float d) { return p + q + d * d * weight; };
    return {multiply_add<VEC>(share, delta, a.mean), map<VEC>(sum, a.m2, b.m2, delta), count};
}

template <int R> __device__ __forceinline__ Moments moments_of(const vec<VEC> (&row)[R]) {
    const vec<VEC> mean = map<VEC>([](float sum) { return sum * (1.0f / R); }, add_up(row));
    vec<VEC> square[R];
    UNROLL for (int j = 0; j < R; ++j) {
        square[j] = map<VEC>([](float v, float m) { return (v - m) * (v - m); }, row[j], mean);
    }
    return {mean, add_up(square), R};
}
