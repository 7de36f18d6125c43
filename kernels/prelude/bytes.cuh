// Bytes in memory, floats in registers: pixels as files hold them, small counts. vec<N> values must be 0 … 255 to be
// stored; fractions are cut off.
//
//   defines   none
#pragma once
#include "prelude/vec.cuh"

#ifdef WARPTAPE_HOST
// Whole vectors are converted at once, by way of short: a loop over bytes next to floats falls back to short vectors,
// and g++ knows instructions for widening and narrowing only where the width doubles or halves.
template <int N> struct integers {
    typedef unsigned char bytes __attribute__((vector_size(N), may_alias, aligned(1)));
    typedef unsigned short shorts __attribute__((vector_size(2 * N)));
    typedef int ints __attribute__((vector_size(4 * N)));
};
#define CONVERT(value, type) __builtin_convertvector(value, typename integers<N>::type)
#endif

// Loads N bytes. On the GPU `from` must be aligned to N, which is 1 or 4: one access.
template <int N> __device__ __forceinline__ vec<N> load_bytes(const unsigned char* __restrict__ from) {
#ifdef WARPTAPE_HOST
    if constexpr (N > 1) {
        const auto bytes = *reinterpret_cast<const typename integers<N>::bytes*>(from);
        return __builtin_convertvector(CONVERT(CONVERT(bytes, shorts), ints), vec<N>);
    } else {
        return {(float)*from};
    }
#else
    static_assert(N == 1 || N == 4, "a byte or a word");
    const unsigned word = N == 4 ? *reinterpret_cast<const unsigned*>(from) : *from;
    vec<N> v;
    UNROLL for (int i = 0; i < N; ++i) v[i] = (float)(word >> 8 * i & 0xff);
    return v;
#endif
}

// Stores N bytes; alignment as for load_bytes.
template <int N> __device__ __forceinline__ void store_bytes(unsigned char* to, vec<N> value) {
#ifdef WARPTAPE_HOST
    if constexpr (N > 1) {
        *reinterpret_cast<typename integers<N>::bytes*>(to) = CONVERT(CONVERT(CONVERT(value, ints), shorts), bytes);
    } else {
        *to = (unsigned char)value.x;
    }
#else
    static_assert(N == 1 || N == 4, "a byte or a word");
    unsigned word = 0;
    UNROLL for (int i = 0; i < N; ++i) word |= (unsigned)value[i] << 8 * i;
    if (N == 4) *reinterpret_cast<unsigned*>(to) = word;
    else *to = (unsigned char)word;
#endif
}

// Loads and stores the first `valid` of N; the others read as zero and are not touched.
template <int N>
__device__ __forceinline__ vec<N> load_bytes_partial(const unsigned char* __restrict__ from, int valid) {
    if (valid >= N) return load_bytes<N>(from);
    alignas(N) unsigned char padded[N];
    ELEMENTS(i, N) padded[i] = i < valid ? from[i] : 0;
    return load_bytes<N>(padded);
}
template <int N> __device__ __forceinline__ void store_bytes_partial(unsigned char* to, vec<N> value, int valid) {
    if (valid >= N) {
        store_bytes<N>(to, value);
        return;
    }
    alignas(N) unsigned char padded[N];
    store_bytes<N>(padded, value);
    ELEMENTS(i, N) {
        if (i < valid) to[i] = padded[i];
    }
}
