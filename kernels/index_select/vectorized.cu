// Rows by their numbers: a block copies a stretch of one row, with vector accesses.
//
//   y[i, :] = x[indices[first + i], :]
//
// An index that names no row yields NaN, which no training overlooks.
//
//   layout    x [rows, length], y [count, length]
//   defines   VEC, ITEMS, THREADS: see elementwise.cuh; VEC divides length, but on the host
//   launch    grid (count, ⌈length / (THREADS · ITEMS · VEC)⌉)
//   bytes     2 · (size of ELEMENT) · count · length, and 4 · count
//   FLOPs     none
//   limit     memory
#include "prelude/elementwise.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
index_select(element* __restrict__ y,          // [count, length]
             const element* __restrict__ x,    // [rows, length]
             const int* __restrict__ indices,  // [at least first + count]
             int first, int rows, int length) {
    const int row = indices[first + blockIdx.x];
    const bool known = 0 <= row && row < rows;
    const element* from = x + static_cast<size_t>(known ? row : 0) * length;
    element* to = y + static_cast<size_t>(blockIdx.x) * length;
    for_each_vector_from(blockIdx.y * (THREADS * ITEMS * VEC), length, [&](int i, int valid) {
        const vec<VEC> copied = load_partial<VEC>(from + i, valid, 0.0f);
        store_partial<VEC>(to + i, known ? copied : splat<VEC>(__int_as_float(0x7fc00000)), valid);
    });
}
