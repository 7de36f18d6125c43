// Matrix product, rung 5: every thread computes a tile of C in its registers.
//
//   C[M, N] = op(A) · op(B) (+ bias[N] on every row)
//
// In rung 4 a thread uses an element of B for all of its rows, but an element of A once. A thread that owns TM × TN elements
// of C uses the one TM and the other TN times: it loads TM + TN floats for TM · TN multiply-adds. With 8 × 8, and several
// floats per load, that is an eighth of the wavefronts that rung 3 takes. The tiles still come from global memory float by
// float.
//
//   layout    A [M, K], or [K, M] with transpose_a; B [K, N], or [N, K] with transpose_b; C [M, N]; all row-major
//   defines   BM, BN, BK   block tile: rows, columns, depth of one step
//             TM, TN       register tile of one thread; THREADS = (BM / TM) · (BN / TN)
//             VEC, KVEC    floats per load from shared memory along a row of B and along a row of A: 4 and 4 on a GPU, the
//                          native vector and 1 on the host, whose multiply-add broadcasts a scalar straight from memory
//   launch    grid (⌈N / BN⌉, ⌈M / BM⌉), THREADS threads
//   bytes     4 (M·K·⌈N / BN⌉ + K·N·⌈M / BM⌉ + M·N)
//   FLOPs     2·M·N·K
//   limit     instructions and latency of the copies: each float has an index, a guard and a load of its own
//   measures  wavefronts of shared loads per FLOP: 2 / 9 of rung 4's
#include "prelude/matrix.cuh"
#include "prelude/vec.cuh"

static_assert(BM % TM == 0 && BN % TN == 0 && THREADS == (BM / TM) * (BN / TN), "one thread per register tile");
static_assert(TN % VEC == 0 && BK % VEC == 0 && BK % KVEC == 0, "tiles are whole vectors");

// Floats from one row of the tile of A to the next. A CPU's cache would put all rows of a power of two into the same lines.
constexpr int A_STRIDE = KVEC > 1 ? BK : BK + VEC;
constexpr int THREADS_N = BN / TN;  // threads side by side along a row of C
constexpr int VECTORS = TN / VEC;   // vectors of C in a row of a thread's tile

// Copies a tile of op(X) [rows, columns] from (row0, column0) on; what lies outside reads as zero.
template <int ROWS, int COLUMNS, int STRIDE>
__device__ __forceinline__ void copy_floats(float* tile, const element* __restrict__ x, bool transposed, int row0,
                                            int column0, int rows, int columns) {
    for (int at = threadIdx.x; at < ROWS * COLUMNS; at += THREADS) {
        // Neighbouring threads go along memory's rows.
        const int i = transposed ? at % ROWS : at / COLUMNS, j = transposed ? at / ROWS : at % COLUMNS;
        const bool inside = row0 + i < rows && column0 + j < columns;
        tile[i * STRIDE + j] = inside ? entry(x, transposed, row0 + i, column0 + j, rows, columns) : 0.0f;
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, 1)
matmul_forward(result* __restrict__ c,            // [M, N]
               const element* __restrict__ a,     // [M, K] or [K, M]
               const element* __restrict__ b,     // [K, N] or [N, K]
               const element* __restrict__ bias,  // [N], or null
               int m, int n, int k, bool transpose_a, bool transpose_b) {
    __shared__ __align__(64) float a_tile[BM * A_STRIDE];
    __shared__ __align__(64) float b_tile[BK * BN];
    const int row0 = blockIdx.y * BM, column0 = blockIdx.x * BN;
    // This thread's tile: rows from i0 on, and of the columns the vectors from j0, j0 + THREADS_N · VEC, …: neighbouring
    // threads read neighbouring vectors of B, free of bank conflicts.
    const int i0 = (int)threadIdx.x / THREADS_N * TM, j0 = (int)threadIdx.x % THREADS_N * VEC;

    vec<VEC> sum[TM][VECTORS];
    UNROLL for (int i = 0; i < TM; ++i) {
        UNROLL for (int j = 0; j < VECTORS; ++j) sum[i][j] = splat<VEC>(0.0f);
    }
    for (int k0 = 0; k0 < k; k0 += BK) {
        copy_floats<BM, BK, A_STRIDE>(a_tile, a, transpose_a, row0, k0, m, k);
        copy_floats<BK, BN, BN>(b_tile, b, transpose_b, k0, column0, k, n);
        __syncthreads();  // the tiles are complete
        UNROLL_DEPTH for (int l = 0; l < BK; l += KVEC) {
            vec<VEC> of_b[KVEC][VECTORS];  // KVEC rows of B, as wide as this thread's tile
            UNROLL for (int step = 0; step < KVEC; ++step) {
                UNROLL for (int j = 0; j < VECTORS; ++j) {
                    of_b[step][j] = load<VEC>(b_tile + (l + step) * BN + j0 + j * THREADS_N * VEC);
                }
            }
            UNROLL for (int i = 0; i < TM; ++i) {
                const vec<KVEC> of_a = load<KVEC>(a_tile + (i0 + i) * A_STRIDE + l);  // KVEC floats of a row of A
                UNROLL for (int step = 0; step < KVEC; ++step) {
                    UNROLL for (int j = 0; j < VECTORS; ++j) {
                        sum[i][j] = multiply_add<VEC>(of_a[step], of_b[step][j], sum[i][j]);
                    }
                }
            }
        }
        __syncthreads();  // nobody reads them any more: the next step may overwrite them
    }
    UNROLL for (int i = 0; i < TM; ++i) {
        const int row = row0 + i0 + i;
        if (row >= m) continue;
        UNROLL for (int j = 0; j < VECTORS; ++j) {
            const int column = column0 + j0 + j * THREADS_N * VEC, valid = n - column;
            if (valid <= 0) continue;
            vec<VEC> out = sum[i][j];
            if (bias) out = multiply_add<VEC>(1.0f, load_partial<VEC, 1>(bias + column, valid, 0.0f), out);
            store_partial<VEC, 1>(c + (size_t)row * n + column, out, valid);
        }
    }
}
