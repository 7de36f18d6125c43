// Mean and squared deviations of channels, gathered in one pass over memory.
//
// A thread holds a group of rows in registers, takes their sum and their squared deviations from its mean (two passes, but
// over registers), and merges the pair into what it has. E[x²] − E[x]² would need no merging but cancels: with mean 1000
// and deviation 1 little of the variance is left in f32. For the same reason x is taken from its origin (batchnorm.cuh).
//
//   defines   see columns.cuh
#pragma once
#include "prelude/batchnorm.cuh"
#include "prelude/columns.cuh"

struct Moments {
    vec<VEC> sum;  // a sum and not a mean: no step of a mean goes from inf to a number, inf − inf, where a sum stays inf
    vec<VEC> m2;   // Σ (x − mean)²
    int count;     // of values
};

// T. F. Chan, G. H. Golub, R. J. LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances",
// Stanford 1979: the moments of a and b together, from differences between means only.
__device__ __forceinline__ Moments merge(const Moments& a, const Moments& b) {
    if (b.count == 0) return a;  // a thread that had no rows
    if (a.count == 0) return b;
    const int count = a.count + b.count;
    // 1 / a, 1 / b and a · b / (a + b), by one division.
    const float product = (float)a.count * (float)b.count, inverse = 1.0f / (product * (float)count);
    const float to_a = (float)b.count * (float)count * inverse, to_b = (float)a.count * (float)count * inverse;
    const float weight = product * product * inverse;
    const vec<VEC> zero = splat<VEC>(0.0f);
    const vec<VEC> delta = multiply_add<VEC>(to_b, b.sum, multiply_add<VEC>(-to_a, a.sum, zero));
    const auto squares = [=](float p, float q, float d) { return p + q + d * d * weight; };
    return {multiply_add<VEC>(1.0f, a.sum, b.sum), map<VEC>(squares, a.m2, b.m2, delta), count};
}

// The origins of VEC channels, from the first two rows of x.
__device__ __forceinline__ vec<VEC> origins(const Columns& columns, const element* __restrict__ x, int channel) {
    return map<VEC>([](float first, float second) { return origin(first, second); }, columns.load_channels(x, channel),
                    columns.load_channels(x + columns.channels, channel));
}

template <int R> __device__ __forceinline__ Moments moments_of(const vec<VEC> (&row)[R]) {
    const vec<VEC> sum = add_up(row), mean = map<VEC>([](float s) { return s * (1.0f / R); }, sum);
    vec<VEC> square[R];
    UNROLL for (int j = 0; j < R; ++j) {
        square[j] = map<VEC>([](float v, float m) { return (v - m) * (v - m); }, row[j], mean);
    }
    return {sum, add_up(square), R};
}
