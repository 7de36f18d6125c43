// Matrix product, rung 6: register tiles fed by vector accesses.
//
//   C[M, N] = op(A) · op(B) (+ bias[N] on every row)
//
// Each block computes a BM × BN tile of C, walking the inner dimension in steps of BK: the threads copy the next tile
// of A and of B into shared memory, meet at a barrier, and each multiplies its TM × TN register tile (tile.cuh).
// Over rung 5 (register tile, scalar copies) every global access now moves a vector: a copy loads a float4 from a row of
// memory and stores it into the tile, by one access where the tile's row goes the same way (copy_tile in tile.cuh), by four
// where the tile is the transpose (copy_transposed below). copy_each (copy.cuh) shares the vectors of a tile out among the
// threads; TRANSPOSE_A and TRANSPOSE_B are constants now, so that each form has a kernel without branches.
//
//   layout    A [M, K], or [K, M] with TRANSPOSE_A; B [K, N], or [N, K] with TRANSPOSE_B; C [M, N]; all row-major
//   defines   see tile.cuh; TRANSPOSE_A, TRANSPOSE_B; AVEC, BVEC, CVEC: floats per global access of A, B, C
//   launch    grid (⌈N / BN⌉, ⌈M / BM⌉), THREADS threads
//   requires  on a GPU, rows of A, B, C to be multiples of AVEC, BVEC, CVEC floats
//   bytes     4 (M·K·⌈N / BN⌉ + K·N·⌈M / BM⌉ + M·N)
//   FLOPs     2·M·N·K
//   limit     latency: all threads of a block wait at a barrier for the loads of a step
//   measures  requests of global loads and stores: a quarter of rung 5's
#include "prelude/tile.cuh"

// Copies a [COLUMNS, ROWS] piece of memory so that the tile is its transpose [ROWS, COLUMNS] with rows of STRIDE floats.
// Reads are vectors along the memory's rows; writes into shared memory are single floats.
template <int ROWS, int COLUMNS, int V, int STRIDE>
__device__ __forceinline__ void copy_transposed(float* tile, const element* __restrict__ from, int row0, int column0,
                                                int row_limit, int column_limit) {
    tile = looked_up(tile);
    copy_each<COLUMNS * (ROWS / V)>(
        [&](int i) {
            // Neighbouring threads take neighbouring columns of the tile: their writes fall into neighbouring banks.
            const int column = column0 + i % COLUMNS, row = row0 + i / COLUMNS * V;
            return load_row<V>(from + (size_t)column * row_limit + row, column < column_limit ? row_limit - row : 0);
        },
        [&](int i, vec<V> value) {
            UNROLL for (int v = 0; v < V; ++v) tile[(i / COLUMNS * V + v) * STRIDE + i % COLUMNS] = value[v];
        });
}

extern "C" __global__ void __launch_bounds__(THREADS, RESIDENT_BLOCKS)
matmul_forward(result* __restrict__ c,            // [M, N]
               const element* __restrict__ a,     // [M, K] or [K, M]
               const element* __restrict__ b,     // [K, N] or [N, K]
               const element* __restrict__ bias,  // [N], or null
               int m, int n, int k) {
    __shared__ __align__(64) float a_tile[A_FLOATS];
    __shared__ __align__(64) float b_tile[B_FLOATS];
    const int row0 = blockIdx.y * BM, column0 = blockIdx.x * BN;

    RegisterTile tile;
    tile.clear();
    for (int k0 = 0; k0 < k; k0 += BK) {
        // A transposed operand A lies depth-major in memory and stays so in shared memory.
        if constexpr (TRANSPOSE_A) copy_tile<BK, BM, AVEC, BM>(a_tile, a, k0, row0, k, m);
        else copy_tile<BM, BK, AVEC, A_STRIDE>(a_tile, a, row0, k0, m, k);
        if constexpr (TRANSPOSE_B) copy_transposed<BK, BN, BVEC, BN>(b_tile, b, k0, column0, k, n);
        else copy_tile<BK, BN, BVEC, BN>(b_tile, b, k0, column0, k, n);
        __syncthreads();  // the tiles are complete
        tile.multiply<TRANSPOSE_A ? DEPTH_MAJOR : ROW_MAJOR>(a_tile, b_tile, k - k0);
        __syncthreads();  // nobody reads them any more: the next step may overwrite them
    }
    tile.write<CVEC>(c, bias, row0, column0, m, n);
}
