// Matrix product, rung 4: every thread computes a tile of C in its registers.
//
//   C[M, N] = op(A) · op(B) (+ bias[N] on every row)
//
// Rung 3 loads two floats from shared memory for every multiply-add, and shared memory cannot keep up. A thread that owns
// TM × TN elements of C loads TM + TN floats for TM · TN multiply-adds (tile.cuh): with 8 × 8, eight times fewer wavefronts
// of shared loads per FLOP, which is the quantity of this rung. The tiles still come from global memory float by float.
//
//   layout    A [M, K], or [K, M] with transpose_a; B [K, N], or [N, K] with transpose_b; C [M, N]; all row-major
//   launch    grid (⌈N / BN⌉, ⌈M / BM⌉), THREADS threads
//   bytes     4 (M·K·⌈N / BN⌉ + K·N·⌈M / BM⌉ + M·N); FLOPs 2·M·N·K
#include "prelude/matrix.cuh"
#include "prelude/tile.cuh"

// Copies the tile of op(X) [rows, columns] at (row0, column0); what lies outside reads as zero.
template <int ROWS, int COLUMNS, int STRIDE>
__device__ __forceinline__ void copy_floats(float* tile, const float* __restrict__ x, bool transposed, int row0,
                                            int column0, int rows, int columns) {
    for (int at = threadIdx.x; at < ROWS * COLUMNS; at += THREADS) {
        // Neighbouring threads go along memory's rows.
        const int i = transposed ? at % ROWS : at / COLUMNS, j = transposed ? at / ROWS : at % COLUMNS;
        const bool inside = row0 + i < rows && column0 + j < columns;
        tile[i * STRIDE + j] = inside ? element(x, transposed, row0 + i, column0 + j, rows, columns) : 0.0f;
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, 1)
matmul_forward(float* __restrict__ c,           // [M, N]
               const float* __restrict__ a,     // [M, K] or [K, M]
               const float* __restrict__ b,     // [K, N] or [N, K]
               const float* __restrict__ bias,  // [N], or null
               int m, int n, int k, bool transpose_a, bool transpose_b) {
    __shared__ __align__(64) float a_tile[A_FLOATS];
    __shared__ __align__(64) float b_tile[B_FLOATS];
    const int row0 = blockIdx.y * BM, column0 = blockIdx.x * BN;

    RegisterTile tile;
    tile.clear();
    for (int k0 = 0; k0 < k; k0 += BK) {
        copy_floats<BM, BK, A_STRIDE>(a_tile, a, transpose_a, row0, k0, m, k);
        copy_floats<BK, BN, BN>(b_tile, b, transpose_b, k0, column0, k, n);
        __syncthreads();  // the tiles are complete
        tile.multiply<ROW_MAJOR>(a_tile, b_tile);
        __syncthreads();  // nobody reads them any more: the next step may overwrite them
    }
    tile.write<1>(c, bias, row0, column0, m, n);
}
