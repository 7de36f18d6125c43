// What follows shim.h: the functions of CUDA C++ that need nothing of the scheduler but warp shuffles, in terms of the
// compiler's built-ins.

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

#define memcpy __builtin_memcpy
#define memset __builtin_memset
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
// NVRTC's mixtures.
inline float pow(float x, int y) { return __builtin_powf(x, (float)y); }
inline double pow(double x, int y) { return __builtin_pow(x, y); }
inline double max(float x, double y) { return __builtin_fmax(x, y); }
inline double max(double x, float y) { return __builtin_fmax(x, y); }
inline double min(float x, double y) { return __builtin_fmin(x, y); }
inline double min(double x, float y) { return __builtin_fmin(x, y); }
inline double rsqrt(double x) { return 1.0 / __builtin_sqrt(x); }
inline double fma(double a, double b, double c) { return __builtin_fma(a, b, c); }
inline float fdividef(float a, float b) { return a / b; }
inline void sincosf(float x, float* sine, float* cosine) { *sine = sinf(x), *cosine = cosf(x); }
inline int abs(int x) { return x < 0 ? -x : x; }
inline long abs(long x) { return x < 0 ? -x : x; }
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
WT_MIN_MAX(unsigned long long, unsigned long long, unsigned long long) WT_MIN_MAX(long, long, long)
WT_MIN_MAX(unsigned long, unsigned long, unsigned long)
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
