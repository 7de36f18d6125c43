// The loop of every kernel that treats all elements alike.
//
// A block owns THREADS · ITEMS consecutive vectors. At each step neighbouring threads take neighbouring vectors, so that
// a warp's accesses are one contiguous stretch; several steps per thread keep several loads in flight. On the host a
// block is one thread, which therefore walks memory in order.
//
//   defines   VEC (floats per access), ITEMS (vectors per thread), THREADS
//   launch    grid ⌈n / (THREADS · ITEMS · VEC)⌉
#pragma once
#include "prelude/vec.cuh"

// Calls body(i, valid) for the vectors of this thread, whose block owns the elements from `first`: it starts at element i,
// of which `valid` (1 … VEC) exist.
template <class Body> __device__ __forceinline__ void for_each_vector_from(int first, int n, Body body) {
    first += threadIdx.x * VEC;
    for (int item = 0; item < ITEMS; ++item) {
        const int i = first + item * (THREADS * VEC);
        // Compared before i could pass n: no overflow even when n is close to 2^31.
        if (i >= n || i < first) break;
        body(i, min(n - i, VEC));
    }
}

// The same where blocks own elements in order.
template <class Body> __device__ __forceinline__ void for_each_vector(int n, Body body) {
    for_each_vector_from(blockIdx.x * (THREADS * ITEMS * VEC), n, body);
}
