// A tile on its way from global to shared memory, held in the registers of the block's threads: loads can be issued a
// step ahead, and be waited for only where the values are stored.
//
//   defines   THREADS
#pragma once
#include "prelude/vec.cuh"

// A tile of ROWS × COLUMNS floats of a row-major matrix, in vectors of V along the rows. Neighbouring threads take
// neighbouring vectors of a row (coalesced), or, with DOWN, of a column (whose transposed stores are free of bank
// conflicts whatever the stride).
template <int ROWS, int COLUMNS, int V, bool DOWN = false> struct Staged {
    static_assert(COLUMNS % V == 0, "rows of a tile must be whole vectors");
    static constexpr int PER_ROW = COLUMNS / V, VECTORS = ROWS * PER_ROW;
    static constexpr int HELD = (VECTORS + THREADS - 1) / THREADS;

    vec<V> held[HELD];

    // Calls body(j, row, column) for each vector j that this thread holds; column is that of its first float.
    template <class Body> __device__ __forceinline__ static void for_each(Body body) {
        UNROLL for (int j = 0; j < HELD; ++j) {
            const int i = threadIdx.x + j * THREADS;
            if (VECTORS % THREADS != 0 && i >= VECTORS) break;
            body(j, DOWN ? i % ROWS : i / PER_ROW, (DOWN ? i / ROWS : i % PER_ROW) * V);
        }
    }

    // From (row0, column0) of from[row_limit, column_limit]; what lies outside reads as zero.
    template <class T>
    __device__ __forceinline__ void load(const T* __restrict__ from, int row0, int column0, int row_limit, int column_limit) {
        for_each([&](int j, int row, int column) {
            row += row0, column += column0;
            // size_t: a matrix may have more than 2^31 elements even where each side fits an int
            held[j] = load_row<V>(from + (size_t)row * column_limit + column, row < row_limit ? column_limit - column : 0);
        });
    }

    // Into a tile [ROWS, STRIDE].
    template <int STRIDE> __device__ __forceinline__ void store(float* tile) const {
        for_each([&](int j, int row, int column) { ::store<V>(tile + row * STRIDE + column, held[j]); });
    }

    // Into a tile [COLUMNS, STRIDE], turned around.
    template <int STRIDE> __device__ __forceinline__ void store_transposed(float* tile) const {
        for_each([&](int j, int row, int column) {
            UNROLL for (int v = 0; v < V; ++v) tile[(column + v) * STRIDE + row] = held[j][v];
        });
    }
};
