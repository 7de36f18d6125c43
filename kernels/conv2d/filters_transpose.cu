// Filters for the implicit GEMM of the forward pass: a transposed matrix.
//
//   to[i, j] = from[j, i]
//
// A block turns a TILE × TILE piece around in shared memory, so that both the reads and the writes of neighbouring threads
// lie side by side. Rows of the piece are padded by one float: a column of it falls into different banks.
//
//   layout    filters [k, depth] with depth = r·s·c, result [depth, k]
//   defines   TILE, THREADS; VEC: floats per access, 1 on a GPU, where a warp has a row of the piece
//   launch    grid (⌈depth / TILE⌉, ⌈k / TILE⌉)
//   bytes     8·k·depth
//   FLOPs     none
//   limit     memory
//   exercise  3 of the README: what the one float of padding is for
#include "prelude/vec.cuh"

extern "C" __global__ void __launch_bounds__(THREADS)
filters_transpose(element* __restrict__ to,          // [depth, k]
                  const element* __restrict__ from,  // [k, depth]
                  int k, int depth) {
    __shared__ float piece[TILE][TILE + 1];
    constexpr int PER_ROW = TILE / VEC;
    const int row0 = blockIdx.y * TILE, column0 = blockIdx.x * TILE;
    for (int i = threadIdx.x; i < TILE * PER_ROW; i += THREADS) {
        const int row = i / PER_ROW, column = i % PER_ROW * VEC, valid = depth - column0 - column;
        if (row0 + row >= k || valid <= 0) continue;
        const element* start = from + (size_t)(row0 + row) * depth + column0 + column;
        store<VEC>(&piece[row][column], load_partial<VEC>(start, valid, 0.0f));
    }
    __syncthreads();  // the piece is complete
    for (int i = threadIdx.x; i < TILE * PER_ROW; i += THREADS) {
        const int row = i / PER_ROW, column = i % PER_ROW * VEC, valid = k - row0 - column;
        if (column0 + row >= depth || valid <= 0) continue;
        vec<VEC> out;
        UNROLL for (int v = 0; v < VEC; ++v) out[v] = piece[column + v][row];
        store_partial<VEC>(to + (size_t)(column0 + row) * k + row0 + column, out, valid);
    }
}
