// What a CUDA source finds when the host device compiles it: the built-in variables, qualifiers and intrinsics of
// CUDA C++, mapped to plain C++. A kernel becomes an ordinary function; the block scheduler (scheduler.rs) calls it
// once per thread, each on a fiber, and these intrinsics call back into it where threads have to meet.
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
#define __constant__ static const
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

typedef unsigned char uchar;
typedef unsigned int uint;
typedef __SIZE_TYPE__ size_t;

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

typedef unsigned short ushort;
typedef signed char int8_t;
typedef unsigned char uint8_t;
typedef short int16_t;
typedef unsigned short uint16_t;
typedef int int32_t;
typedef unsigned uint32_t;
typedef __INT64_TYPE__ int64_t;
typedef __UINT64_TYPE__ uint64_t;
typedef __PTRDIFF_TYPE__ ptrdiff_t;
typedef __UINTPTR_TYPE__ uintptr_t;

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
#define __threadfence() (warptape_host::runtime.fence())
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

// ---- mathematics and bits (CUDA's names, the compiler's built-ins) --------------------------------------------------

#define WT_MATH1(name) inline float name(float x) { return __builtin_##name(x); }
WT_MATH1(expf) WT_MATH1(logf) WT_MATH1(log1pf) WT_MATH1(expm1f) WT_MATH1(sqrtf) WT_MATH1(tanhf) WT_MATH1(erff)
WT_MATH1(sinf) WT_MATH1(cosf) WT_MATH1(floorf) WT_MATH1(ceilf) WT_MATH1(rintf) WT_MATH1(fabsf) WT_MATH1(truncf)
inline float rsqrtf(float x) { return 1.0f / __builtin_sqrtf(x); }
inline float powf(float x, float y) { return __builtin_powf(x, y); }
inline float fmaf(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
inline float fmaxf(float a, float b) { return __builtin_fmaxf(a, b); }
inline float fminf(float a, float b) { return __builtin_fminf(a, b); }
inline bool isnan(float x) { return x != x; }
inline bool isinf(float x) { return __builtin_isinf(x); }
inline bool isfinite(float x) { return __builtin_isfinite(x); }
inline int min(int a, int b) { return a < b ? a : b; }
inline int max(int a, int b) { return a > b ? a : b; }
inline unsigned min(unsigned a, unsigned b) { return a < b ? a : b; }
inline unsigned max(unsigned a, unsigned b) { return a > b ? a : b; }
inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)(((unsigned long long)a * b) >> 32); }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __clz(int x) { return x ? __builtin_clz((unsigned)x) : 32; }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline float __int_as_float(int x) { return warptape_host::from_bits<float>(warptape_host::to_bits(x)); }
inline int __float_as_int(float x) { return warptape_host::from_bits<int>(warptape_host::to_bits(x)); }
inline float __uint_as_float(unsigned x) { return __int_as_float((int)x); }
inline unsigned __float_as_uint(float x) { return (unsigned)__float_as_int(x); }
template <class T> __forceinline__ T __ldg(const T* address) { return *address; }
template <class T> __forceinline__ T __ldcs(const T* address) { return *address; }
template <class T> __forceinline__ void __stcs(T* address, T value) { *address = value; }

// ---- what else users' kernels call ----------------------------------------------------------------------------------

#define INFINITY __builtin_inff()
#define NAN __builtin_nanf("")
#define FLT_MAX __FLT_MAX__
#define FLT_MIN __FLT_MIN__
#define FLT_EPSILON __FLT_EPSILON__
#define DBL_MAX __DBL_MAX__
#define INT_MAX __INT_MAX__
#define INT_MIN (-__INT_MAX__ - 1)
#define UINT_MAX (__INT_MAX__ * 2u + 1)
#define M_PI 3.14159265358979323846
#define assert(condition) ((condition) ? (void)0 : __trap())

WT_MATH1(exp2f) WT_MATH1(log2f) WT_MATH1(log10f) WT_MATH1(tanf) WT_MATH1(asinf) WT_MATH1(acosf) WT_MATH1(atanf)
WT_MATH1(sinhf) WT_MATH1(coshf) WT_MATH1(roundf) WT_MATH1(cbrtf) WT_MATH1(erfcf)
// Names that C++ overloads for float and double.
#define WT_MATH_BOTH(name)                                        \
    inline double name(double x) { return __builtin_##name(x); }  \
    inline float name(float x) { return __builtin_##name##f(x); }
WT_MATH_BOTH(exp) WT_MATH_BOTH(exp2) WT_MATH_BOTH(expm1) WT_MATH_BOTH(log) WT_MATH_BOTH(log2) WT_MATH_BOTH(log10)
WT_MATH_BOTH(log1p) WT_MATH_BOTH(sqrt) WT_MATH_BOTH(cbrt) WT_MATH_BOTH(sin) WT_MATH_BOTH(cos) WT_MATH_BOTH(tan)
WT_MATH_BOTH(asin) WT_MATH_BOTH(acos) WT_MATH_BOTH(atan) WT_MATH_BOTH(sinh) WT_MATH_BOTH(cosh) WT_MATH_BOTH(tanh)
WT_MATH_BOTH(erf) WT_MATH_BOTH(fabs) WT_MATH_BOTH(floor) WT_MATH_BOTH(ceil) WT_MATH_BOTH(round) WT_MATH_BOTH(rint)
WT_MATH_BOTH(trunc)
#define WT_MATH2(name)                                                               \
    inline double name(double x, double y) { return __builtin_##name(x, y); }        \
    inline float name(float x, float y) { return __builtin_##name##f(x, y); }
WT_MATH2(pow) WT_MATH2(fmod) WT_MATH2(atan2) WT_MATH2(hypot) WT_MATH2(fmin) WT_MATH2(fmax) WT_MATH2(copysign)
#define WT_MATH2F(name) inline float name(float x, float y) { return __builtin_##name(x, y); }
WT_MATH2F(fmodf) WT_MATH2F(atan2f) WT_MATH2F(hypotf) WT_MATH2F(copysignf)
inline double rsqrt(double x) { return 1.0 / __builtin_sqrt(x); }
inline double fma(double a, double b, double c) { return __builtin_fma(a, b, c); }
inline float fdividef(float a, float b) { return a / b; }
inline void sincosf(float x, float* sine, float* cosine) { *sine = sinf(x), *cosine = cosf(x); }
inline int abs(int x) { return x < 0 ? -x : x; }
inline long long abs(long long x) { return x < 0 ? -x : x; }
inline float abs(float x) { return __builtin_fabsf(x); }
inline double abs(double x) { return __builtin_fabs(x); }
inline bool isnan(double x) { return x != x; }
inline bool isinf(double x) { return __builtin_isinf(x); }
inline bool isfinite(double x) { return __builtin_isfinite(x); }
#define WT_MIN_MAX(A, B, T)                                                    \
    inline T min(A a, B b) { return (T)a < (T)b ? (T)a : (T)b; }               \
    inline T max(A a, B b) { return (T)a < (T)b ? (T)b : (T)a; }
WT_MIN_MAX(int, unsigned, unsigned) WT_MIN_MAX(unsigned, int, unsigned) WT_MIN_MAX(long long, long long, long long)
WT_MIN_MAX(unsigned long long, unsigned long long, unsigned long long)
inline float min(float a, float b) { return __builtin_fminf(a, b); }
inline float max(float a, float b) { return __builtin_fmaxf(a, b); }
inline double min(double a, double b) { return __builtin_fmin(a, b); }
inline double max(double a, double b) { return __builtin_fmax(a, b); }

// A GPU's fast approximations are exact functions here, and rounding is always to nearest.
#define WT_ALIAS1(name, exact) inline float name(float x) { return exact(x); }
WT_ALIAS1(__expf, expf) WT_ALIAS1(__logf, logf) WT_ALIAS1(__log2f, log2f) WT_ALIAS1(__sinf, sinf)
WT_ALIAS1(__cosf, cosf) WT_ALIAS1(__tanf, tanf) WT_ALIAS1(__fsqrt_rn, sqrtf) WT_ALIAS1(__frsqrt_rn, rsqrtf)
#define WT_ARITHMETIC(name, operation) inline float name(float a, float b) { return a operation b; }
WT_ARITHMETIC(__fadd_rn, +) WT_ARITHMETIC(__fsub_rn, -) WT_ARITHMETIC(__fmul_rn, *) WT_ARITHMETIC(__fdiv_rn, /)
WT_ARITHMETIC(__fdividef, /)
inline float __powf(float x, float y) { return powf(x, y); }
inline float __fmaf_rn(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
inline float __frcp_rn(float x) { return 1.0f / x; }
inline float __saturatef(float x) { return x > 0.0f ? (x < 1.0f ? x : 1.0f) : 0.0f; }
inline int __float2int_rn(float x) { return (int)__builtin_rintf(x); }
inline int __float2int_rz(float x) { return (int)x; }
inline float __int2float_rn(int x) { return (float)x; }

inline int __mul24(int a, int b) { return (a << 8 >> 8) * (b << 8 >> 8); }
inline unsigned __umul24(unsigned a, unsigned b) { return (a & 0xffffffu) * (b & 0xffffffu); }
inline int __mulhi(int a, int b) { return (int)(((long long)a * b) >> 32); }
inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
inline int __clzll(long long x) { return x ? __builtin_clzll((unsigned long long)x) : 64; }
inline int __ffsll(long long x) { return __builtin_ffsll(x); }
inline unsigned __brev(unsigned x) {
    unsigned reversed = 0;
    for (int bit = 0; bit < 32; ++bit) reversed |= (x >> bit & 1u) << (31 - bit);
    return reversed;
}
inline unsigned __funnelshift_l(unsigned low, unsigned high, unsigned shift) {
    return (unsigned)((((unsigned long long)high << 32 | low) << (shift & 31)) >> 32);
}
inline unsigned __funnelshift_r(unsigned low, unsigned high, unsigned shift) {
    return (unsigned)(((unsigned long long)high << 32 | low) >> (shift & 31));
}
inline long long __double_as_longlong(double x) { return (long long)warptape_host::to_bits(x); }
inline double __longlong_as_double(long long x) { return warptape_host::from_bits<double>((unsigned long long)x); }
template <class T> __forceinline__ T __ldcg(const T* address) { return *address; }
template <class T> __forceinline__ T __ldca(const T* address) { return *address; }
template <class T> __forceinline__ void __stcg(T* address, T value) { *address = value; }

__forceinline__ unsigned atomicInc(unsigned* a, unsigned limit) {
    return warptape_host::update(a, [=](unsigned old) { return old >= limit ? 0u : old + 1u; });
}
__forceinline__ unsigned atomicDec(unsigned* a, unsigned limit) {
    return warptape_host::update(a, [=](unsigned old) { return old == 0u || old > limit ? limit : old - 1u; });
}
// Lanes take turns here, and CUDA promises no more than that the caller is among the active ones.
inline unsigned __activemask() { return 1u << warptape_host::lane(); }
inline void __nanosleep(unsigned) {}
// Time is a count of these calls.
WT_QUIET inline long long clock64() {
    static thread_local long long calls = 0;
    return ++calls;
}
inline int clock() { return (int)clock64(); }

namespace warptape_host {
// Every lane of `mask` gets the same result: lanes trade all their values, in order.
template <class T, class F> inline T reduce(unsigned mask, T value, F combine, const char* file, int line) {
    const int first = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z) - lane();
    const int lanes = (int)(blockDim.x * blockDim.y * blockDim.z) - first;
    bool any = false;
    T sum = value;
    for (int source = 0; source < (lanes < 32 ? lanes : 32); ++source) {
        if (!(mask >> source & 1u)) continue;
        const T other = shuffle(mask, value, source, file, line);
        sum = any ? combine(sum, other) : other;
        any = true;
    }
    return sum;
}
}  // namespace warptape_host
#define WT_REDUCE(mask, value, expression)                                                                        \
    warptape_host::reduce((mask), (value), [](auto a, auto b) { return expression; }, __FILE__, __LINE__)
#define __reduce_add_sync(mask, value) WT_REDUCE(mask, value, a + b)
#define __reduce_min_sync(mask, value) WT_REDUCE(mask, value, b < a ? b : a)
#define __reduce_max_sync(mask, value) WT_REDUCE(mask, value, a < b ? b : a)
#define __reduce_and_sync(mask, value) WT_REDUCE(mask, value, a & b)
#define __reduce_or_sync(mask, value) WT_REDUCE(mask, value, a | b)
#define __reduce_xor_sync(mask, value) WT_REDUCE(mask, value, a ^ b)

// ---- what the launcher looks up -------------------------------------------------------------------------------------

extern "C" __attribute__((visibility("default"))) WT_QUIET void warptape_bind(const warptape_host::Runtime* runtime) {
    warptape_host::runtime = *runtime;
}
extern "C" __attribute__((visibility("default"))) WT_QUIET void warptape_builtins(warptape_host::Builtins* out) {
    *out = {&threadIdx, &blockIdx, &blockDim, &gridDim};
}
