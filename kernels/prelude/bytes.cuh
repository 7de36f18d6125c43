// Bytes in memory, floats in registers: pixels as files hold them, small counts. vec<N> values must be 0 … 255 to be
// stored; fractions are cut off.
#pragma once
#include "prelude/vec.cuh"

// Loads N bytes. On the GPU `from` must be aligned to N, which is 1 or 4: one access.
template <int N> __device__ __forceinline__ vec<N> load_bytes(const unsigned char* __restrict__ from) {
    vec<N> v;
#ifdef WARPTAPE_HOST
    float* to = elements<N>(v);
    ELEMENTS(i, N) to[i] = (float)from[i];
#else
    static_assert(N == 1 || N == 4, "a word or a byte");
    const unsigned word = N == 4 ? *reinterpret_cast<const unsigned*>(from) : *from;
    UNROLL for (int i = 0; i < N; ++i) v[i] = (float)(word >> 8 * i & 0xff);
#endif
    return v;
}

// Stores N bytes; alignment as for load_bytes.
template <int N> __device__ __forceinline__ void store_bytes(unsigned char* to, vec<N> value) {
#ifdef WARPTAPE_HOST
    const float* from = elements<N>(value);
    ELEMENTS(i, N) to[i] = (unsigned char)(int)from[i];
#else
    static_assert(N == 1 || N == 4, "a word or a byte");
    unsigned word = 0;
    UNROLL for (int i = 0; i < N; ++i) word |= (unsigned)value[i] << 8 * i;
    if (N == 4) *reinterpret_cast<unsigned*>(to) = word;
    else *to = (unsigned char)word;
#endif
}

// Loads and stores the first `valid` of N; the others read as zero and are not touched.
template <int N> __device__ __forceinline__ vec<N> load_bytes_partial(const unsigned char* from, int valid) {
    if (valid >= N) return load_bytes<N>(from);
    vec<N> v;
    float* to = elements<N>(v);
    ELEMENTS(i, N) to[i] = i < valid ? (float)from[i] : 0.0f;
    return v;
}
template <int N> __device__ __forceinline__ void store_bytes_partial(unsigned char* to, vec<N> value, int valid) {
    if (valid >= N) {
        store_bytes<N>(to, value);
        return;
    }
    const float* from = elements<N>(value);
    ELEMENTS(i, N) {
        if (i < valid) to[i] = (unsigned char)(int)from[i];
    }
}
