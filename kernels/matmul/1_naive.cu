// Matrix product, rung 1: a thread for each element of C, neighbouring threads down a column.
//
//   C[M, N] = op(A) · op(B) (+ bias[N] on every row)
//
// The definition, written down. It moves far more than it has to: every element of C fetches a row of A and a column of
// B from global memory, and since the lanes of a warp stand in 32 rows, an access to A (and the store to C) touches 32
// distant places, a sector of 32 bytes for each 4 that are used. Watch the sectors per request of the global loads:
// they are what rung 2 mends.
//
//   layout    A [M, K], or [K, M] with transpose_a; B [K, N], or [N, K] with transpose_b; C [M, N]; all row-major
//   defines   none
//   launch    grid (⌈N / 32⌉, ⌈M / 32⌉), 1024 threads
//   bytes     loads 8·M·N·K, stores 4·M·N
//   FLOPs     2·M·N·K
//   limit     sectors: a request to A touches 32 of them, for 4 bytes of each
//   measures  sectors per request of the global loads: 16.5
//   exercise  1 and 4 of the README: turn the block around; who needs the guard?
#include "prelude/matrix.cuh"

constexpr int SIDE = 32;

extern "C" __global__ void __launch_bounds__(SIDE * SIDE)
matmul_forward(result* __restrict__ c,            // [M, N]
               const element* __restrict__ a,     // [M, K] or [K, M]
               const element* __restrict__ b,     // [K, N] or [N, K]
               const element* __restrict__ bias,  // [N], or null
               int m, int n, int k, bool transpose_a, bool transpose_b) {
    const int row = blockIdx.y * SIDE + threadIdx.x % SIDE, column = blockIdx.x * SIDE + threadIdx.x / SIDE;
    if (row >= m || column >= n) return;
    float sum = 0.0f;
    for (int l = 0; l < k; ++l) {
        sum = fmaf(entry(a, transpose_a, row, l, m, k), entry(b, transpose_b, l, column, k, n), sum);
    }
    c[(size_t)row * n + column] = bias ? sum + bias[column] : sum;
}
