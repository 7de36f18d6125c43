// The block tile that matmul and the three convolutions share: C[BM, BN] += A[BM, BK] · B[BK, BN] out of shared memory.
//
// What differs between those kernels is only where a tile's elements come from (a matrix, or pixels under a filter
// tap), so each brings its own loading loop and the multiplication is written once, here.
//
// B is kept row-major (columns fastest). A is kept the way it lies in memory, so that no copy has to transpose: ROW_MAJOR
// (depth fastest) or DEPTH_MAJOR (rows fastest). Thread (ty, tx) owns rows ty·TM … ty·TM + TM − 1 and, of the columns, the
// vectors tx, tx + BN / TN, …: neighbouring threads read neighbouring vectors of B, free of bank conflicts.
//
//   defines   BM, BN, BK   block tile: rows, columns, depth of one step
//             TM, TN       register tile of one thread; THREADS = (BM / TM) · (BN / TN)
//             VEC          floats per vector: 4 on a GPU (16 bytes), the native width on the host
//             KVEC         depth steps of A fetched by one access (4 on a GPU; 1 on the host, whose FMA instruction
//                          broadcasts a scalar straight from memory)
#pragma once
#include "prelude/copy.cuh"

static_assert(BM % TM == 0 && BN % TN == 0, "register tiles must cover the block tile");
static_assert(TN % VEC == 0, "a thread owns whole vectors of columns");
static_assert(BK % VEC == 0 && BK % KVEC == 0, "a depth step must be whole vectors");
static_assert(TM % KVEC == 0, "a depth-major A is read KVEC rows at a time");
static_assert(THREADS == (BM / TM) * (BN / TN), "one thread per register tile");

// Blocks that a multiprocessor is to hold at once: two of 256 threads, for whom its 65 536 registers are 128 each, or three
// of 128. While one waits for its tiles another multiplies; a block alone would idle through every fetch.
constexpr int RESIDENT_BLOCKS = THREADS >= 256 ? 2 : 384 / THREADS;

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
#else
        constexpr int steps = BK;
#endif
        UNROLL_DEPTH for (int k = 0; k < steps; k += KVEC) {
            if constexpr (A == ROW_MAJOR) add_rows(a_first + k, b_first + k * BN);
            else UNROLL for (int step = k; step < k + KVEC; ++step) add_step(a_first + step * BM, b_first + step * BN);
        }
    }

    // KVEC depth steps of a row-major A: a vector is one row's part of all of them. The rows of B are fetched first, so that
    // few vectors of A are in registers at a time.
    __device__ __forceinline__ void add_rows(const float* a, const float* b) {
        vec<VEC> b_part[KVEC][TILE_VECTORS];
        UNROLL for (int step = 0; step < KVEC; ++step) {
            UNROLL for (int j = 0; j < TILE_VECTORS; ++j) b_part[step][j] = load<VEC>(b + step * BN + j * THREADS_N * VEC);
        }
        UNROLL for (int i = 0; i < TM; ++i) {
            const vec<KVEC> a_part = load<KVEC>(a + i * A_STRIDE);
            UNROLL for (int step = 0; step < KVEC; ++step) {
                UNROLL for (int j = 0; j < TILE_VECTORS; ++j) {
                    sum[i][j] = multiply_add<VEC>(a_part[step], b_part[step][j], sum[i][j]);
                }
            }
        }
    }

    // One depth step of a depth-major A: a vector is KVEC rows' part of it.
    __device__ __forceinline__ void add_step(const float* a, const float* b) {
        vec<VEC> b_part[TILE_VECTORS];
        UNROLL for (int j = 0; j < TILE_VECTORS; ++j) b_part[j] = load<VEC>(b + j * THREADS_N * VEC);
        UNROLL for (int i = 0; i < TM; i += KVEC) {
            const vec<KVEC> a_part = load<KVEC>(a + i);
            UNROLL for (int v = 0; v < KVEC; ++v) {
                UNROLL for (int j = 0; j < TILE_VECTORS; ++j) {
                    sum[i + v][j] = multiply_add<VEC>(a_part[v], b_part[j], sum[i + v][j]);
                }
            }
        }
    }

    // Writes the tile to rows row0 … and columns column0 … of c[rows, columns], plus bias[columns] if there is one.
    // ACCESS is VEC if rows of c start aligned, else 1.
    template <int ACCESS, class T>
    __device__ __forceinline__ void write(T* c, const element* bias, int row0, int column0, int rows, int columns) {
        write_rows<ACCESS>(c, bias, column0, columns, [&](int i) { return row0 + i < rows ? row0 + i : -1; });
    }

    // The same where row i of the tile becomes row row_at(i) of c; none if that is negative.
    template <int ACCESS, class T, class RowAt>
    __device__ __forceinline__ void write_rows(T* c, const element* bias, int column0, int columns, RowAt row_at) {
        UNROLL for (int i = 0; i < TM; ++i) {
            const int r = row_at(row() + i);
            if (r < 0) continue;
            UNROLL for (int j = 0; j < TILE_VECTORS; ++j) {
                const int first = column0 + column(j), valid = columns - first;
                if (valid <= 0) continue;
                vec<VEC> out = sum[i][j];
                // size_t: a tensor may have more than 2^31 elements even where each side fits an int
                T* to = c + (size_t)r * columns + first;
                if constexpr (ACCESS == VEC) {
                    if (bias) out = multiply_add<VEC>(1.0f, load_row<VEC>(bias + first, valid), out);
                    store_row<VEC>(to, out, valid);
                } else {
                    if (bias) out = multiply_add<VEC>(1.0f, load_partial<VEC, ACCESS>(bias + first, valid, 0.0f), out);
                    store_partial<VEC, ACCESS>(to, out, valid);
                }
            }
        }
    }
};

// Copies a tile of a row-major matrix into shared memory as it lies: rows × columns from (row0, column0) of
// from[row_limit, column_limit]; what lies outside reads as zero, which adds nothing to any product.
template <int ROWS, int COLUMNS, int V, int STRIDE, class T>
__device__ __forceinline__ void copy_tile(float* tile, const T* __restrict__ from, int row0, int column0,
                                          int row_limit, int column_limit) {
    constexpr int PER_ROW = COLUMNS / V;
    tile = looked_up(tile);
    copy_each<ROWS * PER_ROW>(
        [&](int i) {
            const int row = row0 + i / PER_ROW, column = column0 + i % PER_ROW * V;
            return load_row<V>(from + (size_t)row * column_limit + column, row < row_limit ? column_limit - column : 0);
        },
        [&](int i, vec<V> value) { store<V>(tile + i / PER_ROW * STRIDE + i % PER_ROW * V, value); });
}
