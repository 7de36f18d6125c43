// One step of Adam or AdamW, in place: one pass with vector accesses.
//
//   d = g + λ w                    Adam's decay; AdamW has λ = 0 here and δ = η λ below
//   m = m + (1 − β₁) (d − m)
//   v = β₂ v + (1 − β₂) d²
//   w = w − δ w − η / (1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε)
//
// (Kingma, Ba: "Adam", 2015; Loshchilov, Hutter: "Decoupled weight decay regularization", 2019; ε outside the root, as
// in PyTorch.) What depends on the step number t alone comes in as `rate` = η / (1 − β₁ᵗ) and `root` = 1 / √(1 − β₂ᵗ),
// computed in double by the host: 1 − β₂ᵗ in float would lose digits in the first steps, where it is small.
//
//   layout    any shape, n elements
//   launch    see elementwise.cuh
//   bytes     28n; FLOPs 14n with a root and a division each
#include "prelude/elementwise.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
adam_step(float* __restrict__ w,        // [n]
          float* __restrict__ m,        // [n]
          float* __restrict__ v,        // [n]
          const float* __restrict__ g,  // [n]
          int n, float rate, float root, float beta2,
          float rest1, float rest2,  // 1 − β₁, 1 − β₂
          float epsilon, float decay_gradient, float decay_weight) {
    for_each_vector(n, [&](int i, int valid) {
        // A thread reads and writes the same elements of w, m and v: in place needs no order among threads.
        vec<VEC> weight = load_partial<VEC>(w + i, valid, 0.0f);
        vec<VEC> d = load_partial<VEC>(g + i, valid, 0.0f);
        d = multiply_add<VEC>(decay_gradient, weight, d);

        vec<VEC> first = load_partial<VEC>(m + i, valid, 0.0f);
        vec<VEC> second = load_partial<VEC>(v + i, valid, 0.0f);
        first = map<VEC>([&](float a, float b) { return fmaf(rest1, b - a, a); }, first, d);
        second = map<VEC>([&](float a, float b) { return fmaf(rest2 * b, b, beta2 * a); }, second, d);
        store_partial<VEC>(m + i, first, valid);
        store_partial<VEC>(v + i, second, valid);

        // w − δ w rather than (1 − δ) w: δ is often 1e-5, and 1 − δ in float would round it to two digits.
        weight = multiply_add<VEC>(-decay_weight, weight, weight);
        auto move = [&](float w, float a, float b) { return fmaf(-rate, a / fmaf(sqrtf(b), root, epsilon), w); };
        store_partial<VEC>(w + i, map<VEC>(move, weight, first, second), valid);
    });
}
