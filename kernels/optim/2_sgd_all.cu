// One step of stochastic gradient descent with momentum, in place, rung 2: all tensors in one launch.
//
//   d = g + λ w;  v = μ v + (1 − τ) d;  w = w − η · (d + μ v, v or d)      as in rung 1
//
// A network has dozens of small tensors (biases, scales), each far too small to fill a GPU, and rung 1 pays a launch for
// every one: the quantity is launches per step. Here a table in device memory says where each block's part lies; it is
// written anew only when an address has changed. The arithmetic, and so every bit, is rung 1's (optim.cuh).
//
//   layout    parts [blocks]; tensors of any shape
//   defines   see elementwise.cuh
//   launch    a block for each THREADS · ITEMS · VEC elements of a tensor
//   bytes     20n with momentum, 12n without, for n elements in all
//   FLOPs     at most 9n
//   limit     memory
//   measures  launches per step: one
#include "prelude/optim.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
sgd_step(const Part* __restrict__ parts,  // [blocks]
         float rate, float momentum, float fresh, float decay, int nesterov) {
    const Part part = parts[blockIdx.x];
    const Sgd sgd = {rate, momentum, fresh, decay, nesterov};
    for_each_vector_from(part.first, part.n,
                         [&](int i, int valid) { sgd.update(part.w, part.kept[0], part.g, i, valid); });
}
