// Matrix product, rung 2: neighbouring threads along a row of C.
//
//   C[M, N] = op(A) · op(B) (+ bias[N] on every row)
//
// Over rung 1 two index expressions have changed places: the lanes of a warp stand in one row of C. They all want the
// same element of A, one sector, and 32 neighbours of B, four sectors; and they store 32 neighbours of C. (Where B lies
// transposed its reads are still scattered: no order of threads suits both operands. Rung 3 does.) The quantity: sectors
// per request of the global loads.
//
//   layout    A [M, K], or [K, M] with transpose_a; B [K, N], or [N, K] with transpose_b; C [M, N]; all row-major
//   defines   none
//   launch    grid (⌈N / 32⌉, ⌈M / 32⌉), 1024 threads
//   bytes     loads 8·M·N·K, stores 4·M·N
//   FLOPs     2·M·N·K
//   limit     requests: two loads from global memory for each multiply-add of a warp
//   measures  sectors per request of the global loads: 2.5 instead of 16.5
#include "prelude/matrix.cuh"

constexpr int SIDE = 32;

extern "C" __global__ void __launch_bounds__(SIDE * SIDE)
matmul_forward(result* __restrict__ c,            // [M, N]
               const element* __restrict__ a,     // [M, K] or [K, M]
               const element* __restrict__ b,     // [K, N] or [N, K]
               const element* __restrict__ bias,  // [N], or null
               int m, int n, int k, bool transpose_a, bool transpose_b) {
    const int row = blockIdx.y * SIDE + threadIdx.x / SIDE, column = blockIdx.x * SIDE + threadIdx.x % SIDE;
    if (row >= m || column >= n) return;
    float sum = 0.0f;
    for (int l = 0; l < k; ++l) {
        sum = fmaf(entry(a, transpose_a, row, l, m, k), entry(b, transpose_b, l, column, k, n), sum);
    }
    c[(size_t)row * n + column] = bias ? sum + bias[column] : sum;
}
