// Short vectors of floats: what one memory access moves and what a register tile is made of.
//
// On the GPU a vec<4> is a 16-byte access, the widest there is. On the host device a vec<N> is a native SIMD vector, so
// that a register tile of vectors stays in vector registers; left to an auto-vectorizer the same tile is several
// times slower. Element access is v[i]; arithmetic is element by element.
#pragma once

#ifdef WARPTAPE_HOST
#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 64")
#endif

template <int N> struct vec_type {
    typedef float type __attribute__((vector_size(4 * N), may_alias));
    typedef float unaligned __attribute__((vector_size(4 * N), may_alias, aligned(4)));
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

template <int N> struct alignas(N * 4 > 16 ? 16 : N * 4) vec {
    float x[N];
    __device__ __forceinline__ float& operator[](int i) { return x[i]; }
    __device__ __forceinline__ float operator[](int i) const { return x[i]; }
};
#endif

// The same address, looked up here and now: the host's shared memory is thread-local, and within a loop with few registers
// to spare its compiler would rather look the address up again for every access.
template <class T> __device__ __forceinline__ T* looked_up(T* address) {
#ifdef WARPTAPE_HOST
    asm("" : "+r"(address));
#endif
    return address;
}

// Loads N floats. On the GPU `from` must be aligned to the access (16 bytes for N = 4); the host does not mind.
template <int N> __device__ __forceinline__ vec<N> load(const float* __restrict__ from) {
#ifdef WARPTAPE_HOST
    if constexpr (N > 1) return *reinterpret_cast<const typename vec_type<N>::unaligned*>(from);
    else return {*from};
#else
    return *reinterpret_cast<const vec<N>*>(from);
#endif
}

// Stores N floats; alignment as for load.
template <int N> __device__ __forceinline__ void store(float* to, vec<N> value) {
#ifdef WARPTAPE_HOST
    if constexpr (N > 1) *reinterpret_cast<typename vec_type<N>::unaligned*>(to) = value;
    else *to = value.x;
#else
    *reinterpret_cast<vec<N>*>(to) = value;
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

// Loads up to N floats: elements at `valid` and beyond read as `other`, and their memory is not touched. ACCESS says how
// wide an access the address is aligned for: N, or 1 if rows may start anywhere.
template <int N, int ACCESS = N>
__device__ __forceinline__ vec<N> load_partial(const float* __restrict__ from, int valid, float other) {
    if (ACCESS == N && valid >= N) return load<N>(from);
    vec<N> v;
    float* to = elements<N>(v);
    ELEMENTS(i, N) to[i] = i < valid ? from[i] : other;
    return v;
}

// Stores the first `valid` of N floats; ACCESS as for load_partial.
template <int N, int ACCESS = N>
__device__ __forceinline__ void store_partial(float* to, vec<N> value, int valid) {
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
// there N floats are all valid or none is, and one guarded access takes the place of a branch for each element.
template <int N> __device__ __forceinline__ vec<N> load_row(const float* __restrict__ from, int valid) {
#ifdef WARPTAPE_HOST
    return load_partial<N>(from, valid, 0.0f);
#else
    return valid > 0 ? load<N>(from) : splat<N>(0.0f);
#endif
}
template <int N> __device__ __forceinline__ void store_row(float* to, vec<N> value, int valid) {
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
