// A tensor times a number: one pass with vector accesses.
//
//   forward   y = factor · x
//   backward  dx = factor · dy: the same kernel
//
//   layout    any shape, n elements
//   defines   see elementwise.cuh
//   launch    see elementwise.cuh
//   bytes     8n
//   FLOPs     n
//   limit     memory
#include "prelude/elementwise.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
scale_forward(element* __restrict__ y,        // [n]
              const element* __restrict__ x,  // [n]
              int n, float factor) {
    for_each_vector(n, [&](int i, int valid) {
        vec<VEC> in = load_partial<VEC>(x + i, valid, 0.0f);
        store_partial<VEC>(y + i, map<VEC>([=](float v) { return factor * v; }, in), valid);
    });
}
