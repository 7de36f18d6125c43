// One step of Adam or AdamW, in place, rung 2: all tensors in one launch.
//
//   d = g + λ w;  m = m + (1 − β₁) (d − m);  v = β₂ v + (1 − β₂) d²
//   w = w − δ w − η / (1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε)       as in rung 1, AMSGrad too
//
// A network has dozens of small tensors (biases, scales), each far too small to fill a GPU, and rung 1 pays a launch for
// every one: the quantity is launches per step. Here a table in device memory says where each block's part lies; it is
// written anew only when an address has changed. The arithmetic, and so every bit, is rung 1's (optim.cuh).
//
//   layout    parts [blocks]; tensors of any shape
//   defines   see elementwise.cuh
//   launch    a block for each THREADS · ITEMS · VEC elements of a tensor
//   bytes     28n for n elements in all, with AMSGrad 36n
//   FLOPs     14n with a root and a division each
//   limit     memory
//   measures  launches per step: one
#include "prelude/optim.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
adam_step(const Part* __restrict__ parts,  // [blocks]
          float rate, float root, float beta2, float rest1, float rest2, float epsilon, float decay_gradient,
          float decay_weight) {
    const Part part = parts[blockIdx.x];
    const Adam adam = {rate, root, beta2, rest1, rest2, epsilon, decay_gradient, decay_weight};
    for_each_vector_from(part.first, part.n, [&](int i, int valid) {
        adam.update(part.w, part.kept[0], part.kept[1], part.kept[2], part.g, i, valid);
    });
}
