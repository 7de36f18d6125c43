// Entries of op(X), where X lies row-major in memory and op leaves it as it is or turns it around.
//
//   defines   none
#pragma once
#include "prelude/element.cuh"

// op(X)[row, column] of op(X) [rows, columns].
__device__ __forceinline__ float entry(const element* __restrict__ x, bool transposed, int row, int column, int rows,
                                       int columns) {
    // size_t: a matrix may have more than 2^31 elements even where each side fits an int
    return x[transposed ? (size_t)column * rows + row : (size_t)row * columns + column];
}
