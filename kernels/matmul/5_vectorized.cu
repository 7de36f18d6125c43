// Matrix product, rung 5: register tiles fed by vector accesses.
//
//   C[M, N] = op(A) · op(B) (+ bias[N] on every row)
//
// Each block computes a BM × BN tile of C, walking the inner dimension in steps of BK: the threads copy the next tile
// of A and of B into shared memory, meet at a barrier, and each multiplies its TM × TN register tile (tile.cuh).
// Over rung 4 (register tile, scalar copies) every global access now moves a vector.
//
//   layout    A [M, K], or [K, M] with TRANSPOSE_A; B [K, N], or [N, K] with TRANSPOSE_B; C [M, N]; all row-major
//   launch    grid (⌈N / BN⌉, ⌈M / BM⌉), THREADS threads; AVEC, BVEC, CVEC = floats per global access of A, B, C
//   requires  on a GPU, rows of A, B, C to be multiples of AVEC, BVEC, CVEC floats and 16-byte aligned if those are 4
//   bytes     4 (M·K·⌈N / BN⌉ + K·N·⌈M / BM⌉ + M·N); FLOPs 2·M·N·K
#include "prelude/tile.cuh"

// Copies a tile of a row-major matrix into shared memory as it lies: rows × columns from (row0, column0) of
// from[row_limit, column_limit]; what lies outside reads as zero, which adds nothing to any product.
template <int ROWS, int COLUMNS, int V, int STRIDE>
__device__ __forceinline__ void copy_tile(float* tile, const float* __restrict__ from, int row0, int column0,
                                          int row_limit, int column_limit) {
    constexpr int PER_ROW = COLUMNS / V;
    for (int i = threadIdx.x; i < ROWS * PER_ROW; i += THREADS) {
        int row = i / PER_ROW, column = i % PER_ROW * V;
        vec<V> value = splat<V>(0.0f);
        if (row0 + row < row_limit) {
            // size_t: a matrix may have more than 2^31 elements even where each side fits an int
            value = load_partial<V>(from + (size_t)(row0 + row) * column_limit + column0 + column,
                                    column_limit - column0 - column, 0.0f);
        }
        store<V>(tile + row * STRIDE + column, value);
    }
}

// Like copy_tile, but the tile is the transpose of what lies in memory: tile[c][r] = from[r][c]. Reads are vectors
// along the memory's rows; writes into shared memory are single floats.
template <int ROWS, int COLUMNS, int V, int STRIDE>
__device__ __forceinline__ void copy_tile_transposed(float* tile, const float* __restrict__ from, int row0, int column0,
                                                     int row_limit, int column_limit) {
    constexpr int PER_ROW = COLUMNS / V;
    for (int i = threadIdx.x; i < ROWS * PER_ROW; i += THREADS) {
        // Neighbouring threads take neighbouring rows: their writes then fall into neighbouring banks.
        int row = i % ROWS, column = i / ROWS * V;
        vec<V> value = splat<V>(0.0f);
        if (row0 + row < row_limit) {
            value = load_partial<V>(from + (size_t)(row0 + row) * column_limit + column0 + column,
                                    column_limit - column0 - column, 0.0f);
        }
        UNROLL for (int v = 0; v < V; ++v) tile[(column + v) * STRIDE + row] = value[v];
    }
}

extern "C" __global__ void __launch_bounds__(THREADS)
matmul_forward(float* __restrict__ c,           // [M, N]
               const float* __restrict__ a,     // [M, K] or [K, M]
               const float* __restrict__ b,     // [K, N] or [N, K]
               const float* __restrict__ bias,  // [N], or null
               int m, int n, int k) {
    __shared__ __align__(64) float a_tile[BM * A_STRIDE];
    __shared__ __align__(64) float b_tile[BK * BN];
    const int row0 = blockIdx.y * BM, column0 = blockIdx.x * BN;

    RegisterTile tile;
    tile.clear();
    for (int k0 = 0; k0 < k; k0 += BK) {
        if (TRANSPOSE_A) copy_tile_transposed<BK, BM, AVEC, A_STRIDE>(a_tile, a, k0, row0, k, m);
        else copy_tile<BM, BK, AVEC, A_STRIDE>(a_tile, a, row0, k0, m, k);
        if (TRANSPOSE_B) copy_tile_transposed<BN, BK, BVEC, BN>(b_tile, b, column0, k0, n, k);
        else copy_tile<BK, BN, BVEC, BN>(b_tile, b, k0, column0, k, n);
        __syncthreads();  // the tiles are complete
        tile.multiply(a_tile, b_tile);
        __syncthreads();  // nobody reads them any more: the next step may overwrite them
    }

    UNROLL for (int i = 0; i < TM; ++i) {
        const int row = row0 + tile.row() + i;
        if (row >= m) continue;
        UNROLL for (int j = 0; j < TILE_VECTORS; ++j) {
            const int column = column0 + tile.column(j);
            const int valid = n - column;
            if (valid <= 0) continue;
            vec<VEC> out = tile.sum[i][j];
            if (bias) out = multiply_add<VEC>(1.0f, load_partial<VEC, CVEC>(bias + column, valid, 0.0f), out);
            store_partial<VEC, CVEC>(c + (size_t)row * n + column, out, valid);
        }
    }
}
