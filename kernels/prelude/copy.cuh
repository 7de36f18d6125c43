// Work shared out among the threads of a block, and copies into shared memory. Of COUNT items thread t has t, t + THREADS, …:
// neighbouring threads have neighbouring items. Plainly, that is
//
//   share_out   for (int i = threadIdx.x; i < COUNT; i += THREADS) body(i);
//   copy_each   for (int i = threadIdx.x; i < COUNT; i += THREADS) put(i, get(i));
//
// where get loads a vector from global memory and put stores it into shared memory. The rest of this file is about speed: how
// many items a thread has is known when it is compiled, so loops unroll, and several loads are under way before the first store.
//
//   defines   THREADS
#pragma once
#include "prelude/vec.cuh"

// This thread's number, as if it were never the same: what is worked out from it is worked out anew for every tile. Compilers
// would rather work out places once and keep them, in registers that the sums of a product need.
__device__ __forceinline__ int this_thread() {
    int thread = threadIdx.x;
    asm volatile("" : "+r"(thread));
    return thread;
}

// body(i) for i = 0 … COUNT − 1.
template <int COUNT, class Body> __device__ __forceinline__ void share_out(Body body) {
    const int thread = this_thread();
    UNROLL for (int first = 0; first < COUNT; first += THREADS) {
        if (COUNT % THREADS == 0 || first + thread < COUNT) body(first + thread);
    }
}

// put(i, get(i)) for i = 0 … COUNT − 1. On a GPU a thread issues several loads before it waits for the first: one latency of
// global memory for all of them. A CPU looks ahead by itself.
template <int COUNT, class Get, class Put> __device__ __forceinline__ void copy_each(Get get, Put put) {
#ifdef WARPTAPE_HOST
    constexpr int TOGETHER = 1;
#else
    constexpr int TOGETHER = 4;
#endif
    constexpr int WHOLE = COUNT / THREADS * THREADS;  // up to here all threads have one
    const int thread = this_thread();
    UNROLL for (int first = 0; first < COUNT; first += TOGETHER * THREADS) {
        decltype(get(0)) values[TOGETHER];
        UNROLL for (int j = 0, i = first; j < TOGETHER; ++j, i += THREADS) {
            if (i < WHOLE || (i < COUNT && i + thread < COUNT)) values[j] = get(i + thread);
        }
        UNROLL for (int j = 0, i = first; j < TOGETHER; ++j, i += THREADS) {
            if (i < WHOLE || (i < COUNT && i + thread < COUNT)) put(i + thread, values[j]);
        }
    }
}
