// What a CUDA source finds when the host device compiles it: the built-in variables, qualifiers and intrinsics of
// CUDA C++, mapped to plain C++; functions.h has its mathematics. A kernel becomes an ordinary function; the block
// scheduler (scheduler.rs) calls it once per thread, each on a fiber, and these intrinsics call back into it where
// threads have to meet.
//
// All threads of a block run on one OS thread, one at a time. So `__shared__` memory and the built-in variables are
// thread-local variables of the OS thread, and block-level operations need no locks. Different blocks run on
// different OS threads at once, so atomics on global memory are real ones.
//
// WARPTAPE_OBSERVED is defined where accesses are watched (observe.h, which follows): kernels then take the paths that
// they take on a GPU, and shared variables stand far apart, so that what lies between them belongs to none.
#pragma once
#if !defined(WARPTAPE_OBSERVED) && !defined(WT_FLOAT)
#define WARPTAPE_HOST 1
#endif
#ifndef WT_FLOAT
#define WT_FLOAT float  // unless counted.h, which then stands before this, makes it a number that counts
#endif

#define __global__
#define __device__
#define __host__
// Not `const` and not `static`: kernels may say these themselves, and one without an initializer is all zeros.
#define __constant__
#ifndef NULL
#define NULL __null
#endif
#ifdef WARPTAPE_OBSERVED
#define WT_APART __attribute__((aligned(65536)))
#define WT_QUIET __attribute__((no_sanitize("thread")))
#else
#define WT_APART
#define WT_QUIET
#endif
#define __shared__ thread_local WT_APART
#define __grid_constant__
#define __launch_bounds__(...)
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#if !defined(__clang__)
#define __restrict __restrict__
#endif

typedef __SIZE_TYPE__ size_t;
typedef __PTRDIFF_TYPE__ ptrdiff_t;

// ---- vector types, aligned as in CUDA -------------------------------------------------------------------------------

#define WT_VECTORS(T, name, align2, align4)                                                        \
    struct name##1 { T x; };                                                                       \
    struct __align__(align2) name##2 { T x, y; };                                                  \
    struct name##3 { T x, y, z; };                                                                 \
    struct __align__(align4) name##4 { T x, y, z, w; };                                            \
    inline name##1 make_##name##1(T x) { return {x}; }                                             \
    inline name##2 make_##name##2(T x, T y) { return {x, y}; }                                     \
    inline name##3 make_##name##3(T x, T y, T z) { return {x, y, z}; }                             \
    inline name##4 make_##name##4(T x, T y, T z, T w) { return {x, y, z, w}; }
WT_VECTORS(signed char, char, 2, 4)
WT_VECTORS(unsigned char, uchar, 2, 4)
WT_VECTORS(short, short, 4, 8)
WT_VECTORS(unsigned short, ushort, 4, 8)
WT_VECTORS(int, int, 8, 16)
WT_VECTORS(unsigned, uint, 8, 16)
WT_VECTORS(long long, longlong, 16, 16)
WT_VECTORS(unsigned long long, ulonglong, 16, 16)
WT_VECTORS(WT_FLOAT, float, 8, 16)
WT_VECTORS(double, double, 16, 16)

// ---- built-in variables ---------------------------------------------------------------------------------------------

struct dim3 { unsigned x = 1, y = 1, z = 1; };
static __shared__ uint3 threadIdx, blockIdx;
static __shared__ dim3 blockDim, gridDim;
static constexpr int warpSize = 32;

// ---- the scheduler's side -------------------------------------------------------------------------------------------

namespace warptape_host {
enum Barrier { PLAIN, COUNT, AND, OR };
enum Collective { SYNC, SHUFFLE, BALLOT, ALL };

struct Runtime {
    int (*barrier)(int kind, int predicate, const char* file, int line);
    unsigned long long (*collective)(int kind, unsigned mask, unsigned long long value, int source, const char* file,
                                     int line);
    void (*trap)(const char* file, int line);
    void (*fence)();
    void (*access)(const volatile void* address, unsigned long bytes, int kind, const void* code);
};
static Runtime runtime;

struct Builtins { uint3 *thread, *block; dim3 *block_dim, *grid_dim; };

// A value of up to eight bytes as the bits that travel between lanes.
template <class T> inline unsigned long long to_bits(T value) {
    static_assert(sizeof(T) <= 8, "warp shuffles move values of at most eight bytes");
    unsigned long long bits = 0;
    __builtin_memcpy(&bits, &value, sizeof(T));
    return bits;
}
template <class T> inline T from_bits(unsigned long long bits) {
    T value;
    __builtin_memcpy(&value, &bits, sizeof(T));
    return value;
}

inline int lane() {
    return (threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z)) & 31;
}
template <class T> inline T shuffle(unsigned mask, T value, int source, const char* file, int line) {
    return from_bits<T>(runtime.collective(SHUFFLE, mask, to_bits(value), source, file, line));
}
// Lanes trade values only within aligned groups of `width`; a source outside its group means the lane's own value.
inline int indexed(int source, int width) { return (lane() & ~(width - 1)) | (source & (width - 1)); }
inline int up(int delta, int width) { return (lane() & (width - 1)) < delta ? lane() : lane() - delta; }
inline int down(int delta, int width) { return (lane() & (width - 1)) + delta >= width ? lane() : lane() + delta; }
inline int crossed(int bits, int width) {
    int source = lane() ^ bits;
    return (source & ~(width - 1)) <= (lane() & ~(width - 1)) ? source : lane();
}
constexpr int width_of(int width = 32) { return width; }

// Calls a kernel with the arguments that the launcher points at, each read as the type of its parameter.
template <int... I> struct Indices {};
template <int N, int... I> struct Count : Count<N - 1, N - 1, I...> {};
template <int... I> struct Count<0, I...> { using type = Indices<I...>; };
template <class... A, int... I> WT_QUIET inline void spread(void (*kernel)(A...), void* const* args, Indices<I...>) {
    kernel(*static_cast<A*>(args[I])...);
}
template <class... A> WT_QUIET inline void invoke(void (*kernel)(A...), void* const* args) {
    spread(kernel, args, typename Count<sizeof...(A)>::type{});
}

// What the launcher may pass to a kernel: size and kind of each parameter, ended by a zero.
template <class T> struct Kind { static constexpr char value = __is_class(T) ? 's' : 'i'; };
template <class T> struct Kind<T*> { static constexpr char value = 'p'; };
template <> struct Kind<float> { static constexpr char value = 'f'; };
template <> struct Kind<double> { static constexpr char value = 'f'; };
template <class... A> struct Parameters { static constexpr unsigned list[] = {(sizeof(A) << 8 | Kind<A>::value)..., 0}; };
template <class... A> inline const unsigned* parameters(void (*)(A...)) { return Parameters<A...>::list; }
}  // namespace warptape_host

// ---- barriers, shuffles, votes --------------------------------------------------------------------------------------

#define WT_BARRIER(kind, predicate) \
    warptape_host::runtime.barrier(warptape_host::kind, (predicate), __FILE__, __LINE__)
#define WT_COLLECTIVE(kind, mask, value) \
    warptape_host::runtime.collective(warptape_host::kind, (mask), (value), 0, __FILE__, __LINE__)
#define WT_SHUFFLE(mask, value, source) warptape_host::shuffle((mask), (value), (source), __FILE__, __LINE__)

#define __syncthreads() ((void)WT_BARRIER(PLAIN, 0))
#define __syncthreads_count(predicate) WT_BARRIER(COUNT, (predicate) ? 1 : 0)
#define __syncthreads_and(predicate) WT_BARRIER(AND, (predicate) ? 1 : 0)
#define __syncthreads_or(predicate) WT_BARRIER(OR, (predicate) ? 1 : 0)

#define WT_FIRST(a, ...) a
#define __syncwarp(...) ((void)WT_COLLECTIVE(SYNC, WT_FIRST(__VA_ARGS__ __VA_OPT__(, ) 0xffffffffu), 0))
#define __shfl_sync(mask, value, source, ...) \
    WT_SHUFFLE(mask, value, warptape_host::indexed((source), warptape_host::width_of(__VA_ARGS__)))
#define __shfl_up_sync(mask, value, delta, ...) \
    WT_SHUFFLE(mask, value, warptape_host::up((delta), warptape_host::width_of(__VA_ARGS__)))
#define __shfl_down_sync(mask, value, delta, ...) \
    WT_SHUFFLE(mask, value, warptape_host::down((delta), warptape_host::width_of(__VA_ARGS__)))
#define __shfl_xor_sync(mask, value, bits, ...) \
    WT_SHUFFLE(mask, value, warptape_host::crossed((bits), warptape_host::width_of(__VA_ARGS__)))
#define __ballot_sync(mask, predicate) ((unsigned)WT_COLLECTIVE(BALLOT, mask, (predicate) ? 1ull : 0ull))
#define __any_sync(mask, predicate) ((int)(__ballot_sync(mask, predicate) != 0))
#define __all_sync(mask, predicate) ((int)WT_COLLECTIVE(ALL, mask, (predicate) ? 1ull : 0ull))
#define __trap() (warptape_host::runtime.trap(__FILE__, __LINE__), __builtin_unreachable())

#ifdef WARPTAPE_OBSERVED
namespace warptape_host {
WT_QUIET __noinline__ inline void fence() { runtime.fence(); }
}  // namespace warptape_host
#define __threadfence() (warptape_host::fence())
#else
inline void __threadfence() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
#endif
#define __threadfence_system() __threadfence()
inline void __threadfence_block() {}
extern "C" int printf(const char* format, ...);

// ---- atomics: blocks of one grid run at the same time ---------------------------------------------------------------

namespace warptape_host {
template <class T, class F> __forceinline__ T update(T* address, F change) {
    T old;
    __atomic_load(address, &old, __ATOMIC_RELAXED);
    T next = change(old);
    while (!__atomic_compare_exchange(address, &old, &next, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
        next = change(old);
    }
    return old;
}
template <class T> struct Same { using type = T; };
}  // namespace warptape_host
template <class T> __forceinline__ T atomicAdd(T* a, typename warptape_host::Same<T>::type v) {
    return warptape_host::update(a, [v](T old) { return old + v; });
}
template <class T> __forceinline__ T atomicSub(T* a, typename warptape_host::Same<T>::type v) {
    return warptape_host::update(a, [v](T old) { return old - v; });
}
template <class T> __forceinline__ T atomicMin(T* a, typename warptape_host::Same<T>::type v) {
    return warptape_host::update(a, [v](T old) { return v < old ? v : old; });
}
template <class T> __forceinline__ T atomicMax(T* a, typename warptape_host::Same<T>::type v) {
    return warptape_host::update(a, [v](T old) { return old < v ? v : old; });
}
template <class T> __forceinline__ T atomicAnd(T* a, typename warptape_host::Same<T>::type v) {
    return warptape_host::update(a, [v](T old) { return old & v; });
}
template <class T> __forceinline__ T atomicOr(T* a, typename warptape_host::Same<T>::type v) {
    return warptape_host::update(a, [v](T old) { return old | v; });
}
template <class T> __forceinline__ T atomicXor(T* a, typename warptape_host::Same<T>::type v) {
    return warptape_host::update(a, [v](T old) { return old ^ v; });
}
template <class T> __forceinline__ T atomicExch(T* a, typename warptape_host::Same<T>::type v) {
    return warptape_host::update(a, [v](T) { return v; });
}
template <class T>
__forceinline__ T atomicCAS(T* a, typename warptape_host::Same<T>::type expected, typename warptape_host::Same<T>::type v) {
    return warptape_host::update(a, [=](T old) { return old == expected ? v : old; });
}

// ---- what the launcher looks up -------------------------------------------------------------------------------------

extern "C" __attribute__((visibility("default"))) WT_QUIET void warptape_bind(const warptape_host::Runtime* runtime) {
    warptape_host::runtime = *runtime;
}
extern "C" __attribute__((visibility("default"))) WT_QUIET void warptape_builtins(warptape_host::Builtins* out) {
    *out = {&threadIdx, &blockIdx, &blockDim, &gridDim};
}
