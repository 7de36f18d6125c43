// Filters for the implicit GEMM of the forward pass: [k, r·s·c] → [r·s·c, k].
//
// A block turns a TILE × TILE piece around in shared memory, so that both the reads and the writes of neighbouring threads
// lie side by side. Rows of the piece are padded by one float: a column of it falls into different banks.
//
//   defines   TILE, THREADS
//   launch    grid (⌈depth / TILE⌉, ⌈k / TILE⌉)
//   bytes     8·k·depth
#include "prelude/vec.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
filters_transpose(float* __restrict__ to,          // [depth, k]
                  const float* __restrict__ from,  // [k, depth]
                  int k, int depth) {
    __shared__ float piece[TILE][TILE + 1];
    const int row0 = blockIdx.y * TILE, column0 = blockIdx.x * TILE;
    for (int i = threadIdx.x; i < TILE * TILE; i += THREADS) {
        const int row = row0 + i / TILE, column = column0 + i % TILE;
        if (row < k && column < depth) piece[i / TILE][i % TILE] = from[(size_t)row * depth + column];
    }
    __syncthreads();  // the piece is complete
    for (int i = threadIdx.x; i < TILE * TILE; i += THREADS) {
        const int row = column0 + i / TILE, column = row0 + i % TILE;
        if (row < depth && column < k) to[(size_t)row * k + column] = piece[i % TILE][i / TILE];
    }
}
