// Short vectors of floats: what a register tile is made of, and what one memory access moves. In memory their elements may be
// f16 or bf16 as well: a load widens them, a store rounds.
//
// On the GPU a vec<4> is a 16-byte access, the widest there is. On the host device a vec<N> is a native SIMD vector, so
// that a register tile of vectors stays in vector registers; left to an auto-vectorizer the same tile is several
// times slower. Element access is v[i]; arithmetic is element by element.
//
// UNROLL stands before loops of constant length that must become straight code, UNROLL_DEPTH before the walk along the depth
// of a tile: a GPU gets straight code there, too; a CPU two steps at a time, so that the loop stays in its instruction cache
// and all sums in registers.
//
//   defines   none
#pragma once
#include "prelude/element.cuh"

#ifdef WARPTAPE_HOST
#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 64")
#endif
#define UNROLL_DEPTH _Pragma("GCC unroll 2")

template <int N> struct vec_type {
    typedef float type __attribute__((vector_size(4 * N), may_alias));
    typedef float unaligned __attribute__((vector_size(4 * N), may_alias, aligned(4)));
    typedef unsigned words __attribute__((vector_size(4 * N), may_alias));
    typedef unsigned short halves __attribute__((vector_size(2 * N), may_alias, aligned(2)));
};
template <> struct vec_type<1> {
    struct type {
        float x;
        __device__ float& operator[](int) { return x; }
        __device__ float operator[](int) const { return x; }
    };
    typedef type unaligned;
};
template <int N> using vec = typename vec_type<N>::type;

#else  // CUDA
#define UNROLL _Pragma("unroll")
#define UNROLL_DEPTH UNROLL

template <int N, class T> struct alignas(N * sizeof(T) > 16 ? 16 : N * sizeof(T)) packed {
    T x[N];
    __device__ __forceinline__ T& operator[](int i) { return x[i]; }
    __device__ __forceinline__ T operator[](int i) const { return x[i]; }
};
template <int N> using vec = packed<N, float>;
#endif

template <class A, class B> constexpr bool same_type = false;
template <class A> constexpr bool same_type<A, A> = true;

// The same address, looked up here and now: the host's shared memory is thread-local, and within a loop with few registers
// to spare its compiler would rather look the address up again for every access.
template <class T> __device__ __forceinline__ T* looked_up(T* address) {
#ifdef WARPTAPE_HOST
    asm("" : "+r"(address));
#endif
    return address;
}

#if defined(WARPTAPE_HOST) && defined(__F16C__)
// Eight f16 at once, where the processor has instructions for it.
__forceinline__ vec<8> widened(vec_type<8>::halves from) {
    return __builtin_ia32_vcvtph2ps256((short __attribute__((vector_size(16))))from);
}
__forceinline__ vec_type<8>::halves narrowed(vec<8> from) {
    return (vec_type<8>::halves)__builtin_ia32_vcvtps2ph256(from, 0);  // 0: to the nearest, ties to even
}
#endif

// Loads N numbers. On the GPU `from` must be aligned to the access (16 bytes for four floats, 8 for four f16); the host does not
// mind.
template <int N, class T> __device__ __forceinline__ vec<N> load(const T* __restrict__ from) {
#ifdef WARPTAPE_HOST
    if constexpr (N == 1) return {*from};
    else if constexpr (same_type<T, float>) return *reinterpret_cast<const typename vec_type<N>::unaligned*>(from);
#ifdef __F16C__
    else if constexpr (same_type<T, f16> && N % 8 == 0) {
        vec<N> v;
        UNROLL for (int i = 0; i < N; i += 8) {
            reinterpret_cast<vec<8>*>(&v)[i / 8] = widened(*reinterpret_cast<const vec_type<8>::halves*>(from + i));
        }
        return v;
    }
#endif
    else {
        typedef typename vec_type<N>::words words;
        const words wide = __builtin_convertvector(*reinterpret_cast<const typename vec_type<N>::halves*>(from), words);
        if constexpr (same_type<T, f16>) return (vec<N>)widened_f16<vec<N>>(wide);
        else return (vec<N>)(wide << 16);
    }
#else
    const packed<N, T> stored = *reinterpret_cast<const packed<N, T>*>(from);
    if constexpr (same_type<T, float>) return stored;
    else {
        vec<N> v;
        UNROLL for (int i = 0; i < N; ++i) v[i] = stored[i];
        return v;
    }
#endif
}

// Stores N numbers; alignment as for load.
template <int N, class T> __device__ __forceinline__ void store(T* to, vec<N> value) {
#ifdef WARPTAPE_HOST
    if constexpr (N == 1) *to = value.x;
    else if constexpr (same_type<T, float>) *reinterpret_cast<typename vec_type<N>::unaligned*>(to) = value;
#ifdef __F16C__
    else if constexpr (same_type<T, f16> && N % 8 == 0) {
        UNROLL for (int i = 0; i < N; i += 8) {
            *reinterpret_cast<vec_type<8>::halves*>(to + i) = narrowed(reinterpret_cast<vec<8>*>(&value)[i / 8]);
        }
    }
#endif
    else {
        typedef typename vec_type<N>::halves halves;
        typename vec_type<N>::words bits = (typename vec_type<N>::words)value;
        if constexpr (same_type<T, f16>) bits = narrowed_f16<vec<N>>(bits);
        else bits = narrowed_bf16(bits);
        *reinterpret_cast<halves*>(to) = __builtin_convertvector(bits, halves);
    }
#else
    packed<N, T> stored;
    if constexpr (same_type<T, float>) stored = value;
    else UNROLL for (int i = 0; i < N; ++i) stored[i] = value[i];
    *reinterpret_cast<packed<N, T>*>(to) = stored;
#endif
}

// N copies of a scalar.
template <int N> __device__ __forceinline__ vec<N> splat(float value) {
#ifdef WARPTAPE_HOST
    if constexpr (N > 1) return vec<N>{} + value;
    else return {value};
#else
    vec<N> v;
    UNROLL for (int i = 0; i < N; ++i) v[i] = value;
    return v;
#endif
}

// sum + a * b with one rounding per element, a scalar times a vector: the heart of every matrix kernel.
template <int N> __device__ __forceinline__ vec<N> multiply_add(float a, vec<N> b, vec<N> sum) {
#ifdef WARPTAPE_HOST
    if constexpr (N > 1) return sum + a * b;  // -ffp-contract=fast makes this one fused instruction
    else return {__builtin_fmaf(a, b.x, sum.x)};
#else
    UNROLL for (int i = 0; i < N; ++i) sum[i] = fmaf(a, b[i], sum[i]);
    return sum;
#endif
}

// A loop over the N elements of vectors that lie in memory. On the host it must not be unrolled: as a loop the compiler
// turns comparisons, selections and guarded accesses into masked vector instructions (and gives the memory back its
// registers); of single elements it makes a branch each.
#ifdef WARPTAPE_HOST
#define ELEMENTS(i, N) _Pragma("GCC ivdep") _Pragma("GCC unroll 1") for (int i = 0; i < N; ++i)
#else
#define ELEMENTS(i, N) UNROLL for (int i = 0; i < N; ++i)
#endif

template <int N> __device__ __forceinline__ float* elements(vec<N>& v) { return reinterpret_cast<float*>(&v); }
template <int N> __device__ __forceinline__ const float* elements(const vec<N>& v) {
    return reinterpret_cast<const float*>(&v);
}

// Loads up to N numbers: elements at `valid` and beyond read as `other`, and their memory is not touched. ACCESS says how
// wide an access the address is aligned for: N, or 1 if rows may start anywhere.
template <int N, int ACCESS = N, class T>
__device__ __forceinline__ vec<N> load_partial(const T* __restrict__ from, int valid, float other) {
    if (ACCESS == N && valid >= N) return load<N>(from);
    vec<N> v;
    float* to = elements<N>(v);
    ELEMENTS(i, N) to[i] = i < valid ? (float)from[i] : other;
    return v;
}

// Stores the first `valid` of N numbers; ACCESS as for load_partial.
template <int N, int ACCESS = N, class T>
__device__ __forceinline__ void store_partial(T* to, vec<N> value, int valid) {
    if (ACCESS == N && valid >= N) {
        store<N>(to, value);
        return;
    }
    const float* from = elements<N>(value);
    ELEMENTS(i, N) {
        if (i < valid) to[i] = from[i];
    }
}

// load_partial and store_partial for rows that on a GPU are whole vectors long (they would not all start aligned otherwise):
// there N numbers are all valid or none is, and one guarded access takes the place of a branch for each element.
template <int N, class T> __device__ __forceinline__ vec<N> load_row(const T* __restrict__ from, int valid) {
#ifdef WARPTAPE_HOST
    return load_partial<N>(from, valid, 0.0f);
#else
    return valid > 0 ? load<N>(from) : splat<N>(0.0f);
#endif
}
template <int N, class T> __device__ __forceinline__ void store_row(T* to, vec<N> value, int valid) {
#ifdef WARPTAPE_HOST
    store_partial<N>(to, value, valid);
#else
    if (valid > 0) store<N>(to, value);
#endif
}

// f applied to each element of one or more vectors; f is plain scalar CUDA.
template <int N, class F, class... V> __device__ __forceinline__ vec<N> map(F f, V... v) {
    vec<N> out;
    float* to = elements<N>(out);
    // The lambda only gives the pack of pointers a name.
    [&](auto*... from) { ELEMENTS(i, N) to[i] = f(from[i]...); }(elements<N>(v)...);
    return out;
}
