// One step of Adam or AdamW, in place, rung 1: a launch for each tensor, one pass with vector accesses.
//
//   d = g + λ w                    Adam's decay; AdamW has λ = 0 here and δ = η λ below
//   m = m + (1 − β₁) (d − m)
//   v = β₂ v + (1 − β₂) d²
//   w = w − δ w − η / (1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε)
//   AMSGrad has the largest v so far in the place of v in the last line
//
// (Kingma, Ba: "Adam", 2015; Loshchilov, Hutter: "Decoupled weight decay regularization", 2019; ε outside the root, as
// in PyTorch.) What depends on the step number t alone comes in as `rate` = η / (1 − β₁ᵗ) and `root` = 1 / √(1 − β₂ᵗ),
// computed in double by the host: 1 − β₂ᵗ in float would lose digits in the first steps, where it is small.
//
//   layout    any shape, n elements
//   defines   see elementwise.cuh
//   launch    see elementwise.cuh
//   bytes     28n, with AMSGrad 36n
//   FLOPs     14n with a root and a division each
//   limit     launches: one for each tensor, and most tensors are small
//   measures  launches per step: one for each tensor
//   source    D. P. Kingma, J. Ba, "Adam", 2015; I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", 2019;
//             S. J. Reddi, S. Kale, S. Kumar, "On the convergence of Adam and beyond", 2018 (AMSGrad)
#include "prelude/optim.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
adam_step(float* __restrict__ w,        // [n]
          float* __restrict__ m,        // [n]
          float* __restrict__ v,        // [n]
          float* __restrict__ most,     // [n], or null without AMSGrad
          const float* __restrict__ g,  // [n]
          int n, float rate, float root, float beta2, float rest1, float rest2, float epsilon, float decay_gradient,
          float decay_weight) {
    const Adam adam = {rate, root, beta2, rest1, rest2, epsilon, decay_gradient, decay_weight};
    for_each_vector(n, [&](int i, int valid) { adam.update(w, m, v, most, g, i, valid); });
}
