// Matrix product, rung 8: block tile, warp tile, thread tile.
//
//   C[M, N] = op(A) · op(B) (+ bias[N] on every row)
//
// In rung 7 a warp computes a flat stretch of C, 16 × 128 with 8 × 8 per thread. Here the block tile is cut into warp tiles
// that are as square as can be, 64 × 64 with 8 × 16 per thread: of what a warp multiplies, more lanes share each float,
// and a thread loads 24 floats for 128 multiply-adds instead of 16 for 64. The quantity: wavefronts of shared loads per
// FLOP, a quarter fewer than in rung 7. Both operands lie depth-major in shared memory, so that all of a thread's loads are
// vectors; an operand that lies otherwise in global memory is turned around on the way.
//
//   layout    A [M, K], or [K, M] with TRANSPOSE_A; B [K, N], or [N, K] with TRANSPOSE_B; C [M, N]; all row-major
//   defines   BM, BN, BK        block tile
//             TM, TN            sums of one thread; LANES_M × LANES_N threads make a warp's tile
//             RVEC, VEC         floats per access to shared memory along rows and columns: 4 and 4 on a GPU, 1 (a scalar,
//                               broadcast by the multiply-add itself) and the native width on the host
//             GVEC            floats per global access
//   launch    grid (⌈N / BN⌉, ⌈M / BM⌉), THREADS threads
//   requires  on a GPU, rows of A, B and C to be multiples of GVEC floats
//   bytes     4 (M·K·⌈N / BN⌉ + K·N·⌈M / BM⌉ + M·N)
//   FLOPs     2·M·N·K
//   limit     arithmetic, where there are tiles enough for all multiprocessors
//   measures  wavefronts of shared loads per FLOP: three quarters of rung 7's
#include "prelude/staged.cuh"

constexpr int LANES = LANES_M * LANES_N;
constexpr int WM = LANES_M * TM, WN = LANES_N * TN;  // the warp tile
constexpr int WARPS_N = BN / WN;                     // warps side by side
constexpr int PAD = VEC;                             // shifts the rows of a tile across banks and keeps them aligned

static_assert(LANES == 1 || LANES == 32, "a warp tile belongs to a warp; on the host to a thread");
static_assert(BM % WM == 0 && BN % WN == 0, "warp tiles must cover the block tile");
static_assert(TM % RVEC == 0 && TN % VEC == 0, "a thread owns whole vectors of rows and columns");
static_assert(BK % GVEC == 0 && BM % GVEC == 0 && BN % GVEC == 0, "tiles are copied in whole vectors");
static_assert(THREADS == BM / WM * WARPS_N * LANES, "one warp per warp tile");

// [BK, WIDTH] of an operand, which lies [depth, width] in memory or, with TURN, [width, depth].
template <int WIDTH, bool TURN> struct Operand {
    static constexpr int FLOATS = BK * (WIDTH + PAD);
    Staged<TURN ? WIDTH : BK, TURN ? BK : WIDTH, GVEC> part;

    __device__ __forceinline__ void load(const element* __restrict__ x, int k0, int first, int depth, int width) {
        if constexpr (TURN) part.load(x, first, k0, width, depth);
        else part.load(x, k0, first, depth, width);
    }
    __device__ __forceinline__ void store(float* tile) const {
        if constexpr (TURN) part.template store_transposed<WIDTH + PAD>(tile);
        else part.template store<WIDTH + PAD>(tile);
    }
};

using OperandA = Operand<BM, !TRANSPOSE_A>;
using OperandB = Operand<BN, TRANSPOSE_B>;

// The sums of one thread: rows row() + i · LANES_M · RVEC + r, and the vectors of columns column() + j · LANES_N · VEC.
// Neighbouring lanes own neighbouring vectors: 8 lanes, whose 16 bytes each are served together, ask for 2 vectors of
// A and 4 of B, all in different banks.
struct ThreadTile {
    vec<VEC> sum[TM][TN / VEC];

    __device__ __forceinline__ static int row() {
        const int warp = (int)threadIdx.x / LANES, lane = (int)threadIdx.x % LANES;
        return warp / WARPS_N * WM + lane / LANES_N * RVEC;
    }
    __device__ __forceinline__ static int column() {
        const int warp = (int)threadIdx.x / LANES, lane = (int)threadIdx.x % LANES;
        return warp % WARPS_N * WN + lane % LANES_N * VEC;
    }

    __device__ __forceinline__ void clear() {
        UNROLL for (int i = 0; i < TM; ++i) {
            UNROLL for (int j = 0; j < TN / VEC; ++j) sum[i][j] = splat<VEC>(0.0f);
        }
    }

    // a: [BK, BM + PAD], b: [BK, BN + PAD], both in shared memory.
    __device__ __forceinline__ void multiply(const float* a, const float* b) {
        a += row();
        b += column();
        UNROLL_DEPTH for (int k = 0; k < BK; ++k) {
            vec<RVEC> a_part[TM / RVEC];
            vec<VEC> b_part[TN / VEC];
            UNROLL for (int i = 0; i < TM / RVEC; ++i) {
                a_part[i] = load<RVEC>(a + k * (BM + PAD) + i * LANES_M * RVEC);
            }
            UNROLL for (int j = 0; j < TN / VEC; ++j) b_part[j] = load<VEC>(b + k * (BN + PAD) + j * LANES_N * VEC);
            UNROLL for (int i = 0; i < TM; ++i) {
                UNROLL for (int j = 0; j < TN / VEC; ++j) {
                    sum[i][j] = multiply_add<VEC>(a_part[i / RVEC][i % RVEC], b_part[j], sum[i][j]);
                }
            }
        }
    }

    __device__ __forceinline__ void write(result* c, const element* bias, int row0, int column0, int rows, int columns) {
        constexpr int WIDE = GVEC == VEC ? VEC : 1;
        UNROLL for (int i = 0; i < TM; ++i) {
            const int r = row0 + row() + i / RVEC * LANES_M * RVEC + i % RVEC;
            if (r >= rows) continue;
            UNROLL for (int j = 0; j < TN / VEC; ++j) {
                const int first = column0 + column() + j * LANES_N * VEC, valid = columns - first;
                if (valid <= 0) continue;
                vec<VEC> out = sum[i][j];
                if (bias) out = multiply_add<VEC>(1.0f, load_partial<VEC, WIDE>(bias + first, valid, 0.0f), out);
                store_partial<VEC, WIDE>(c + (size_t)r * columns + first, out, valid);
            }
        }
    }
};

extern "C" __global__ void __launch_bounds__(THREADS, 1)  // one block per multiprocessor is enough: spend the registers
matmul_forward(result* __restrict__ c,            // [M, N]
               const element* __restrict__ a,     // [M, K] or [K, M]
               const element* __restrict__ b,     // [K, N] or [N, K]
               const element* __restrict__ bias,  // [N], or null
               int m, int n, int k) {
    __shared__ __align__(64) float a_tile[2][OperandA::FLOATS];
    __shared__ __align__(64) float b_tile[2][OperandB::FLOATS];
    const int row0 = blockIdx.y * BM, column0 = blockIdx.x * BN;

    ThreadTile tile;
    tile.clear();
    OperandA next_a;
    OperandB next_b;
    next_a.load(a, 0, row0, k, m);
    next_b.load(b, 0, column0, k, n);
    next_a.store(a_tile[0]);
    next_b.store(b_tile[0]);
    __syncthreads();  // the first tiles are complete
    for (int k0 = 0, now = 0; k0 < k; k0 += BK, now ^= 1) {
        const bool more = k0 + BK < k;
        if (more) {
            next_a.load(a, k0 + BK, row0, k, m);
            next_b.load(b, k0 + BK, column0, k, n);
        }
        tile.multiply(a_tile[now], b_tile[now]);
        if (more) {
            next_a.store(a_tile[now ^ 1]);
            next_b.store(b_tile[now ^ 1]);
            __syncthreads();  // the next tiles are complete, and nobody reads these any more
        }
    }
    tile.write(c, bias, row0, column0, m, n);
}
