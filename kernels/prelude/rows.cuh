// Kernels that give each row of a matrix to a group of neighbouring threads.
//
// The lanes of a row read it in steps of LANES elements, lane by lane next to each other, and then combine what they
// found by shuffles: no shared memory, no barrier. All lanes of a warp have the same row, so `if (row < n)` around
// everything never splits a warp.
//
//   defines   THREADS (per block), LANES (threads that share a row: a warp on a GPU, one thread on the host)
//   launch    grid ⌈rows / (THREADS / LANES)⌉
#pragma once
#include "prelude/vec.cuh"

static_assert(LANES == 1 || LANES == 32, "a row belongs to one thread or to one whole warp");
static_assert(THREADS % LANES == 0, "a block owns whole rows");

__device__ __forceinline__ int own_row() {
    return (int)(blockIdx.x * (THREADS / LANES) + threadIdx.x / LANES);
}
__device__ __forceinline__ int own_lane() { return (int)threadIdx.x % LANES; }

// Combines one value of each lane. Partners at distance 16, 8, … 1 trade values, and since a + b = b + a to the last
// bit, all lanes end with the same result.
template <class T, class F> __device__ __forceinline__ T across_lanes(T value, F combine) {
    UNROLL for (int distance = LANES / 2; distance > 0; distance /= 2) {
        value = combine(value, __shfl_xor_sync(0xffffffffu, value, distance));
    }
    return value;
}
