// Sum of two tensors: one pass with vector accesses.
//
//   forward   y = a + b
//   backward  da = dy, db = dy: no kernel
//
//   layout    any shape, n elements
//   defines   see elementwise.cuh
//   launch    see elementwise.cuh
//   requires  y to be a tensor of its own; a and b may be the same
//   bytes     12n
//   FLOPs     n
//   limit     memory
#include "prelude/elementwise.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
add_forward(element* __restrict__ y,        // [n]
            const element* __restrict__ a,  // [n]
            const element* __restrict__ b,  // [n]
            int n) {
    for_each_vector(n, [&](int i, int valid) {
        // Past the end both read as zero and nothing is stored: only the last vector of the tensor is partial.
        vec<VEC> left = load_partial<VEC>(a + i, valid, 0.0f);
        vec<VEC> right = load_partial<VEC>(b + i, valid, 0.0f);
        store_partial<VEC>(y + i, multiply_add<VEC>(1.0f, left, right), valid);
    });
}
