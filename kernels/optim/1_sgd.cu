// One step of stochastic gradient descent with momentum, in place, rung 1: a launch for each tensor, one
// pass with vector accesses.
//
//   d = g + λ w                    weight decay, as an addition to the gradient
//   v = μ v + (1 − τ) d            if there is momentum; τ damps, but not the first step, where v is zeros: it has v = d
//   w = w − η · (d + μ v, v or d)  Nesterov, momentum, neither
//
//   layout    any shape, n elements
//   defines   see elementwise.cuh
//   launch    see elementwise.cuh
//   bytes     20n with momentum, 12n without
//   FLOPs     at most 9n
//   limit     launches: one for each tensor, and most tensors are small
//   measures  launches per step: one for each tensor
#include "prelude/optim.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
sgd_step(float* __restrict__ w,        // [n]
         float* __restrict__ v,        // [n], or null without momentum
         const float* __restrict__ g,  // [n]
         int n, float rate, float momentum, float fresh, float decay, int nesterov) {
    const Sgd sgd = {rate, momentum, fresh, decay, nesterov};
    for_each_vector(n, [&](int i, int valid) { sgd.update(w, v, g, i, valid); });
}
