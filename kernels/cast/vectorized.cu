// Another element type: one pass with vector accesses.
//
//   forward   y = x, rounded to the type of y     (exact where that is the wider one)
//   backward  the same the other way round
//
//   layout    any shape, n elements
//   defines   see elementwise.cuh; ELEMENT is the type of x, RESULT that of y (element.cuh)
//   launch    see elementwise.cuh
//   bytes     (size of ELEMENT + size of RESULT) · n
//   FLOPs     none
//   limit     memory
#include "prelude/elementwise.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
cast_forward(result* __restrict__ y,         // [n]
             const element* __restrict__ x,  // [n]
             int n) {
    for_each_vector(n, [&](int i, int valid) {
        store_partial<VEC>(y + i, load_partial<VEC>(x + i, valid, 0.0f), valid);
    });
}
