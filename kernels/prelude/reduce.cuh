// Sum and maximum over the lanes of a warp and over the threads of a block.
//
// Values are combined in an order that depends on THREADS alone, so that the same input gives the same bits every time.
// Every thread of the warp or block must take part, and every one gets the result. With one thread per block, as on
// the host, all of this compiles to nothing.
//
//   defines   THREADS (threads per block, one-dimensional, 1 … 1024)
#pragma once

constexpr int WARPS = (THREADS + 31) / 32;

struct Sum {
    __device__ __forceinline__ float operator()(float a, float b) const { return a + b; }
};

// A NaN wins over every number, as in PyTorch: no comparison with it is true, so it has to be asked for.
struct Max {
    __device__ __forceinline__ float operator()(float a, float b) const { return b > a || b != b ? b : a; }
};

// combine over the lanes of this thread's warp: in five steps each lane takes in the one 16, 8, 4, 2, 1 lanes away.
template <class Combine> __device__ __forceinline__ float warp_reduce(float value, Combine combine) {
    if constexpr (THREADS % 32 == 0) {
        // Both partners of a pair combine the same two values: after the last step all lanes agree.
        UNROLL for (int distance = 16; distance > 0; distance /= 2) {
            value = combine(value, __shfl_xor_sync(0xffffffffu, value, distance));
        }
    } else if constexpr (THREADS > 1) {
        // The last warp is short. Lanes fold towards lane 0 over the same pairs as above, as far as partners exist;
        // a lane without one reads itself, because a lane that does not exist must not be read.
        const int lane = threadIdx.x % 32;
        const int lanes = min(32, THREADS - (int)threadIdx.x / 32 * 32);
        const unsigned mask = 0xffffffffu >> (32 - lanes);
        UNROLL for (int distance = 16; distance > 0; distance /= 2) {
            const bool paired = lane + distance < lanes;
            const float other = __shfl_sync(mask, value, paired ? lane + distance : lane);
            if (paired) value = combine(value, other);
        }
        value = __shfl_sync(mask, value, 0);
    }
    return value;
}

// combine over the block's threads: each warp, then the warps' results in order of warps. A kernel may call it again
// and again.
template <class Combine> __device__ __forceinline__ float block_reduce(float value, Combine combine) {
    value = warp_reduce(value, combine);
    if constexpr (WARPS > 1) {
        __shared__ float of_warp[WARPS];
        if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = value;
        __syncthreads();  // all warps' results are there
        // Every thread reads the same few words: a broadcast, and nobody has to hand the result around.
        value = of_warp[0];
        UNROLL for (int warp = 1; warp < WARPS; ++warp) value = combine(value, of_warp[warp]);
        __syncthreads();  // all have read them: the next reduction may write its own
    }
    return value;
}

__device__ __forceinline__ float warp_sum(float value) { return warp_reduce(value, Sum{}); }
__device__ __forceinline__ float warp_max(float value) { return warp_reduce(value, Max{}); }
__device__ __forceinline__ float block_sum(float value) { return block_reduce(value, Sum{}); }
__device__ __forceinline__ float block_max(float value) { return block_reduce(value, Max{}); }
