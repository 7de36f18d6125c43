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
// A is kept row-major (depth fastest), padded by APAD floats a row so that the rows which a warp reads at once lie in
// different banks. B is kept row-major (columns fastest). Thread (ty, tx) owns rows ty·TM … ty·TM + TM − 1 and, of
// the columns, the vectors tx, tx + BN / TN, …: neighbouring threads read neighbouring vectors of B, free of conflicts.
#pragma once
#include "prelude/vec.cuh"

static_assert(BM % TM == 0 && BN % TN == 0, "register tiles must cover the block tile");
static_assert(TN % VEC == 0, "a thread owns whole vectors of columns");
static_assert(BK % VEC == 0 && BK % KVEC == 0, "a depth step must be whole vectors");
static_assert(THREADS == (BM / TM) * (BN / TN), "one thread per register tile");

constexpr int APAD = KVEC > 1 ? KVEC : VEC;  // shifts rows of A across banks and keeps them aligned
constexpr int A_STRIDE = BK + APAD;          // floats from one row of the A tile to the next
constexpr int THREADS_N = BN / TN;           // threads side by side along a row of C
constexpr int TILE_VECTORS = TN / VEC;       // vectors of C per row of a thread's register tile

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

    // a: [BM, A_STRIDE], b: [BK, BN], both in shared memory.
    __device__ __forceinline__ void multiply(const float* a, const float* b) {
        const float* a_row = a + row() * A_STRIDE;
        const float* b_column = b + column(0);
#ifdef WARPTAPE_HOST
        // One step at a time: the loop stays in the instruction cache and all sums stay in registers.
#pragma GCC unroll 2
#else
        UNROLL
#endif
        for (int k = 0; k < BK; k += KVEC) {
            vec<KVEC> a_part[TM];
            UNROLL for (int i = 0; i < TM; ++i) a_part[i] = load<KVEC>(a_row + i * A_STRIDE + k);
            UNROLL for (int kk = 0; kk < KVEC; ++kk) {
                vec<VEC> b_part[TILE_VECTORS];
                UNROLL for (int j = 0; j < TILE_VECTORS; ++j) {
                    b_part[j] = load<VEC>(b_column + (k + kk) * BN + j * THREADS_N * VEC);
                }
                UNROLL for (int i = 0; i < TM; ++i) {
                    UNROLL for (int j = 0; j < TILE_VECTORS; ++j) {
                        sum[i][j] = multiply_add<VEC>(a_part[i][kk], b_part[j], sum[i][j]);
                    }
                }
            }
        }
    }
};
