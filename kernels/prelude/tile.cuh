// The block tile that matmul and the three convolutions share: C[BM, BN] += A[BM, BK] · B[BK, BN] out of shared memory.
//
// What differs between those kernels is only where a tile's elements come from (a matrix, or pixels under a filter
// tap), so each brings its own loading loop and the multiplication is written once, here.
//
//   defines   BM, BN, BK   block tile: rows, columns, depth of one step
//             TM, TN       register tile of one thread; THREADS = (BM / TM) · (BN / TN)
//             VEC          floats per vector: 4 on a GPU (16 bytes), the native width on the host
//             KVEC         depth steps of A fetched by one access (4 on a GPU; 1 on the host, whose FMA instruction
//                          broadcasts a scalar straight from memory)
//
// B is kept row-major (columns fastest). A is kept the way it lies in memory, so that no copy has to transpose: ROW_MAJOR
// (depth fastest) or DEPTH_MAJOR (rows fastest). Thread (ty, tx) owns rows ty·TM … ty·TM + TM − 1 and, of the columns, the vectors
// tx, tx + BN / TN, …: neighbouring threads read neighbouring vectors of B, free of bank conflicts.
#pragma once
#include "prelude/vec.cuh"

static_assert(BM % TM == 0 && BN % TN == 0, "register tiles must cover the block tile");
static_assert(TN % VEC == 0, "a thread owns whole vectors of columns");
static_assert(BK % VEC == 0 && BK % KVEC == 0, "a depth step must be whole vectors");
static_assert(TM % KVEC == 0, "a depth-major A is read KVEC rows at a time");
static_assert(THREADS == (BM / TM) * (BN / TN), "one thread per register tile");

enum Layout { ROW_MAJOR, DEPTH_MAJOR };

// Floats from one row of a row-major A tile to the next. On a GPU rows lie back to back: those who read different rows at
// once belong to different quarters of a warp, which take turns anyway, and those who write share no bank. A CPU's cache
// would put all rows of a power of two into the same few lines.
constexpr int A_STRIDE = KVEC > 1 ? BK : BK + VEC;
constexpr int A_FLOATS = BM * A_STRIDE;  // a depth-major tile is smaller: [BK, BM]
constexpr int B_FLOATS = BK * BN;
constexpr int THREADS_N = BN / TN;       // threads side by side along a row of C
constexpr int TILE_VECTORS = TN / VEC;   // vectors of C per row of a thread's register tile

struct RegisterTile {
    vec<VEC> sum[TM][TILE_VECTORS];

    __device__ __forceinline__ void clear() {
        UNROLL for (int i = 0; i < TM; ++i) {
            UNROLL for (int j = 0; j < TILE_VECTORS; ++j) sum[i][j] = splat<VEC>(0.0f);
        }
    }

    // First row of this thread's tile within the block tile, and the first column of its vector j.
    __device__ __forceinline__ static int row() { return (int)threadIdx.x / THREADS_N * TM; }
    __device__ __forceinline__ static int column(int j) {
        return ((int)threadIdx.x % THREADS_N + j * THREADS_N) * VEC;
    }

    // a: [BM, A_STRIDE] or [BK, BM] as A says, b: [BK, BN], both in shared memory. From depth step `depth` on, A and B are
    // zeros: a CPU stops there, a GPU is faster with a loop of known length.
    template <Layout A> __device__ __forceinline__ void multiply(const float* a, const float* b, int depth = BK) {
        const float* a_first = A == ROW_MAJOR ? a + row() * A_STRIDE : a + row();
        const float* b_first = b + column(0);
#ifdef WARPTAPE_HOST
        const int steps = depth < BK ? depth : BK;
        // Few steps at a time: the loop stays in the instruction cache and all sums stay in registers.
#pragma GCC unroll 2
#else
        constexpr int steps = BK;
        UNROLL
#endif
        for (int k = 0; k < steps; k += KVEC) {
            // KVEC depth steps of TM rows of A, in registers: a_part[row][step]
            float a_part[TM][KVEC];
            UNROLL for (int i = 0; i < (A == ROW_MAJOR ? TM : KVEC); ++i) {
                UNROLL for (int part = 0; part < (A == ROW_MAJOR ? 1 : TM / KVEC); ++part) {
                    const float* from = A == ROW_MAJOR ? a_first + i * A_STRIDE + k
                                                       : a_first + (k + i) * BM + part * KVEC;
                    vec<KVEC> values = load<KVEC>(from);
                    UNROLL for (int v = 0; v < KVEC; ++v) {
                        if (A == ROW_MAJOR) a_part[i][v] = values[v];
                        else a_part[part * KVEC + v][i] = values[v];
                    }
                }
            }
            UNROLL for (int step = 0; step < KVEC; ++step) {
                vec<VEC> b_part[TILE_VECTORS];
                UNROLL for (int j = 0; j < TILE_VECTORS; ++j) {
                    b_part[j] = load<VEC>(b_first + (k + step) * BN + j * THREADS_N * VEC);
                }
                UNROLL for (int i = 0; i < TM; ++i) {
                    UNROLL for (int j = 0; j < TILE_VECTORS; ++j) {
                        sum[i][j] = multiply_add<VEC>(a_part[i][step], b_part[j], sum[i][j]);
                    }
                }
            }
        }
    }

    // Writes the tile to rows row0 … and columns column0 … of c[rows, columns], plus bias[columns] if there is one.
    // ACCESS is VEC if rows of c start aligned, else 1.
    template <int ACCESS>
    __device__ __forceinline__ void write(float* c, const float* bias, int row0, int column0, int rows, int columns) {
        write_rows<ACCESS>(c, bias, column0, columns, [&](int i) { return row0 + i < rows ? row0 + i : -1; });
    }

    // The same where row i of the tile becomes row row_at(i) of c; none if that is negative.
    template <int ACCESS, class RowAt>
    __device__ __forceinline__ void write_rows(float* c, const float* bias, int column0, int columns, RowAt row_at) {
        UNROLL for (int i = 0; i < TM; ++i) {
            const int r = row_at(row() + i);
            if (r < 0) continue;
            UNROLL for (int j = 0; j < TILE_VECTORS; ++j) {
                const int first = column0 + column(j), valid = columns - first;
                if (valid <= 0) continue;
                vec<VEC> out = sum[i][j];
                if (bias) out = multiply_add<VEC>(1.0f, load_partial<VEC, ACCESS>(bias + first, valid, 0.0f), out);
                // size_t: a tensor may have more than 2^31 elements even where each side fits an int
                store_partial<VEC, ACCESS>(c + (size_t)r * columns + first, out, valid);
            }
        }
    }
};

// Copies a tile of a row-major matrix into shared memory as it lies: rows × columns from (row0, column0) of
// from[row_limit, column_limit]; what lies outside reads as zero, which adds nothing to any product.
template <int ROWS, int COLUMNS, int V, int STRIDE>
__device__ __forceinline__ void copy_tile(float* tile, const float* __restrict__ from, int row0, int column0,
                                          int row_limit, int column_limit) {
    constexpr int PER_ROW = COLUMNS / V;
    tile = looked_up(tile);
    for (int i = threadIdx.x; i < ROWS * PER_ROW; i += THREADS) {
        const int row = i / PER_ROW, column = i % PER_ROW * V;
        vec<V> value = splat<V>(0.0f);
        if (row0 + row < row_limit) {
            value = load_partial<V>(from + (size_t)(row0 + row) * column_limit + column0 + column,
                                    column_limit - column0 - column, 0.0f);
        }
        store<V>(tile + row * STRIDE + column, value);
    }
}
