// Matrix product, rung 3: tiles of A and B in shared memory, fetched once for all threads of a block.
//
//   C[M, N] = op(A) · op(B) (+ bias[N] on every row)
//
// In rung 2 the 32 threads of a column of C fetch the same elements of B, and those of a row the same of A. Here a block
// copies a 32 × 32 tile of each into shared memory, one element per thread, and multiplies out of there: 32 times fewer
// global loads for the same FLOPs, which is the quantity of this rung. The copy goes along memory's rows whatever the
// form, so that it is coalesced for transposed operands, too.
//
//   layout    A [M, K], or [K, M] with transpose_a; B [K, N], or [N, K] with transpose_b; C [M, N]; all row-major
//   defines   none
//   launch    grid (⌈N / 32⌉, ⌈M / 32⌉), 1024 threads
//   bytes     4 (M·K·⌈N / 32⌉ + K·N·⌈M / 32⌉ + M·N)
//   FLOPs     2·M·N·K
//   limit     shared memory: two wavefronts for each multiply-add of a warp
//   measures  requests of global loads per FLOP: 1 / 32 of rung 2's
//   exercise  2 of the README: take a barrier away
#include "prelude/matrix.cuh"

constexpr int SIDE = 32;

// A tile whose rows are padded by one float: a column of it, which a transposed copy writes, lies in 32 different banks.
typedef float Tile[SIDE][SIDE + 1];

// Copies the tile of op(X) [rows, columns] at (row0, column0); what lies outside reads as zero.
__device__ __forceinline__ void copy_tile(Tile& tile, const element* __restrict__ x, bool transposed, int row0, int column0,
                                          int rows, int columns) {
    const int along = threadIdx.x % SIDE, across = threadIdx.x / SIDE;  // neighbouring threads go along memory's rows
    const int i = transposed ? along : across, j = transposed ? across : along;
    const bool inside = row0 + i < rows && column0 + j < columns;
    tile[i][j] = inside ? entry(x, transposed, row0 + i, column0 + j, rows, columns) : 0.0f;
}

extern "C" __global__ void __launch_bounds__(SIDE * SIDE)
matmul_forward(result* __restrict__ c,            // [M, N]
               const element* __restrict__ a,     // [M, K] or [K, M]
               const element* __restrict__ b,     // [K, N] or [N, K]
               const element* __restrict__ bias,  // [N], or null
               int m, int n, int k, bool transpose_a, bool transpose_b) {
    __shared__ Tile a_tile, b_tile;
    const int row0 = blockIdx.y * SIDE, column0 = blockIdx.x * SIDE;
    const int i = threadIdx.x / SIDE, j = threadIdx.x % SIDE;
    float sum = 0.0f;
    for (int k0 = 0; k0 < k; k0 += SIDE) {
        copy_tile(a_tile, a, transpose_a, row0, k0, m, k);
        copy_tile(b_tile, b, transpose_b, k0, column0, k, n);
        __syncthreads();  // the tiles are complete
        for (int l = 0; l < SIDE; ++l) sum = fmaf(a_tile[i][l], b_tile[l][j], sum);
        __syncthreads();  // nobody reads them any more: the next step may overwrite them
    }
    const int row = row0 + i, column = column0 + j;
    if (row < m && column < n) c[(size_t)row * n + column] = bias ? sum + bias[column] : sum;
}
