// Matrix product, rung 4: every thread computes a column of TM elements of C in its registers.
//
//   C[M, N] = op(A) · op(B) (+ bias[N] on every row)
//
// In rung 3 a thread loads two floats from shared memory for every multiply-add. But the threads below each other all load
// the same element of B: if one thread has the work of TM of them, it loads that element once, into a register. That makes
// TM + 1 loads for TM multiply-adds instead of 2 · TM. A block of the same 32 rows of threads covers a larger tile of C, so
// that global memory is asked less often, too.
//
//   layout    A [M, K], or [K, M] with transpose_a; B [K, N], or [N, K] with transpose_b; C [M, N]; all row-major
//   defines   none
//   launch    grid (⌈N / 64⌉, ⌈M / 64⌉), 512 threads
//   bytes     4 (M·K·⌈N / 64⌉ + K·N·⌈M / 64⌉ + M·N)
//   FLOPs     2·M·N·K
//   limit     shared memory: 9 wavefronts for 8 multiply-adds of a warp, and a multiprocessor has one for four of them
//   measures  wavefronts of shared loads per FLOP: 9 / 16 of rung 3's
#include "prelude/matrix.cuh"
#include "prelude/vec.cuh"

constexpr int BM = 64, BN = 64, BK = 32;  // a block's tile of C, and how much of the depth it copies at a time
constexpr int TM = 8;                     // a thread's rows of C
constexpr int THREADS = BM / TM * BN;

// Copies a tile of op(X) [rows, columns] from (row0, column0) on; what lies outside reads as zero. Rows of the tile are padded
// by one float: a column of it, which a transposed copy writes, lies in 32 different banks.
template <int ROWS, int COLUMNS>
__device__ __forceinline__ void copy_tile(float (*tile)[COLUMNS + 1], const element* __restrict__ x, bool transposed,
                                          int row0, int column0, int rows, int columns) {
    for (int at = threadIdx.x; at < ROWS * COLUMNS; at += THREADS) {
        // Neighbouring threads go along memory's rows.
        const int i = transposed ? at % ROWS : at / COLUMNS, j = transposed ? at / ROWS : at % COLUMNS;
        const bool inside = row0 + i < rows && column0 + j < columns;
        tile[i][j] = inside ? entry(x, transposed, row0 + i, column0 + j, rows, columns) : 0.0f;
    }
}

extern "C" __global__ void __launch_bounds__(THREADS)
matmul_forward(result* __restrict__ c,            // [M, N]
               const element* __restrict__ a,     // [M, K] or [K, M]
               const element* __restrict__ b,     // [K, N] or [N, K]
               const element* __restrict__ bias,  // [N], or null
               int m, int n, int k, bool transpose_a, bool transpose_b) {
    __shared__ float a_tile[BM][BK + 1], b_tile[BK][BN + 1];
    const int row0 = blockIdx.y * BM, column0 = blockIdx.x * BN;
    const int i0 = threadIdx.x / BN * TM, j = threadIdx.x % BN;  // this thread's first row and its column of the tile

    float sum[TM] = {};
    for (int k0 = 0; k0 < k; k0 += BK) {
        copy_tile<BM, BK>(a_tile, a, transpose_a, row0, k0, m, k);
        copy_tile<BK, BN>(b_tile, b, transpose_b, k0, column0, k, n);
        __syncthreads();  // the tiles are complete
        for (int l = 0; l < BK; ++l) {
            const float of_b = b_tile[l][j];  // once for all rows
            UNROLL for (int i = 0; i < TM; ++i) sum[i] = fmaf(a_tile[i0 + i][l], of_b, sum[i]);
        }
        __syncthreads();  // nobody reads them any more: the next step may overwrite them
    }
    const int column = column0 + j;
    if (column >= n) return;
    UNROLL for (int i = 0; i < TM; ++i) {
        const int row = row0 + i0 + i;
        if (row < m) c[(size_t)row * n + column] = bias ? sum[i] + bias[column] : sum[i];
    }
}
