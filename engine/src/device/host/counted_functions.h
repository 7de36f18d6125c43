// What follows shim.h where operations are counted: CUDA's functions of the number that counts (counted.h). What a GPU does in its unit for special functions, or in several
// steps, is one special operation.
#define WT_COUNTED1(name) inline __attribute__((always_inline)) WT_FLOAT name(WT_FLOAT x) { \
    warptape_host::count<warptape_host::SPECIAL>(); return name(x.value); }
WT_COUNTED1(expf) WT_COUNTED1(logf) WT_COUNTED1(log1pf) WT_COUNTED1(expm1f) WT_COUNTED1(sqrtf) WT_COUNTED1(tanhf)
WT_COUNTED1(erff) WT_COUNTED1(sinf) WT_COUNTED1(cosf) WT_COUNTED1(rsqrtf) WT_COUNTED1(exp2f) WT_COUNTED1(log2f)
WT_COUNTED1(log10f) WT_COUNTED1(tanf) WT_COUNTED1(asinf) WT_COUNTED1(acosf) WT_COUNTED1(atanf) WT_COUNTED1(sinhf)
WT_COUNTED1(coshf) WT_COUNTED1(cbrtf) WT_COUNTED1(erfcf) WT_COUNTED1(exp) WT_COUNTED1(log) WT_COUNTED1(sqrt)
WT_COUNTED1(sin) WT_COUNTED1(cos) WT_COUNTED1(tanh) WT_COUNTED1(__expf) WT_COUNTED1(__logf) WT_COUNTED1(__log2f)
WT_COUNTED1(__sinf) WT_COUNTED1(__cosf) WT_COUNTED1(__fsqrt_rn) WT_COUNTED1(__frsqrt_rn) WT_COUNTED1(__frcp_rn)
// Signs, rounding and bits are no arithmetic.
#define WT_UNCOUNTED1(type, name) inline __attribute__((always_inline)) type name(WT_FLOAT x) { return name(x.value); }
WT_UNCOUNTED1(WT_FLOAT, fabsf) WT_UNCOUNTED1(WT_FLOAT, fabs) WT_UNCOUNTED1(WT_FLOAT, abs) WT_UNCOUNTED1(WT_FLOAT, floorf)
WT_UNCOUNTED1(WT_FLOAT, ceilf) WT_UNCOUNTED1(WT_FLOAT, rintf) WT_UNCOUNTED1(WT_FLOAT, truncf)
WT_UNCOUNTED1(WT_FLOAT, roundf) WT_UNCOUNTED1(bool, isnan) WT_UNCOUNTED1(bool, isinf) WT_UNCOUNTED1(bool, isfinite)
WT_UNCOUNTED1(int, __float_as_int) WT_UNCOUNTED1(unsigned, __float_as_uint) WT_UNCOUNTED1(int, __float2int_rn)
WT_UNCOUNTED1(int, __float2int_rz)
#define WT_COUNTED2(name, kind) inline __attribute__((always_inline)) WT_FLOAT name(WT_FLOAT x, WT_FLOAT y) { \
    warptape_host::count<warptape_host::kind>(); return name(x.value, y.value); }
WT_COUNTED2(fmaxf, COMPARE) WT_COUNTED2(fminf, COMPARE) WT_COUNTED2(max, COMPARE) WT_COUNTED2(min, COMPARE)
WT_COUNTED2(powf, SPECIAL) WT_COUNTED2(__powf, SPECIAL) WT_COUNTED2(fmodf, SPECIAL) WT_COUNTED2(atan2f, SPECIAL)
WT_COUNTED2(__fdividef, DIVIDE) WT_COUNTED2(__fdiv_rn, DIVIDE) WT_COUNTED2(__fadd_rn, ADD) WT_COUNTED2(__fsub_rn, ADD)
WT_COUNTED2(__fmul_rn, MULTIPLY)
#define WT_COUNTED3(name) \
    inline __attribute__((always_inline)) WT_FLOAT name(WT_FLOAT a, WT_FLOAT b, WT_FLOAT c) { \
        warptape_host::count<warptape_host::FUSED>(); return name(a.value, b.value, c.value); }
WT_COUNTED3(fmaf) WT_COUNTED3(__fmaf_rn)
namespace warptape_host {
template <> struct Kind<Float> { static constexpr char value = 'f'; };
template <class T> inline T plain(T value) { return value; }
inline double plain(Float number) { return number.value; }
}  // namespace warptape_host
template <class... A> inline int printf(const char* format, A... values) {
    return __builtin_printf(format, warptape_host::plain(values)...);
}

struct WarptapeCount { unsigned long count; long code; unsigned long operation; };
extern "C" __attribute__((visibility("hidden"), weak)) WarptapeCount __start_warptape_operations[], __stop_warptape_operations[];
extern "C" __attribute__((visibility("default"))) void warptape_counts(WarptapeCount** first, WarptapeCount** last) {
    *first = __start_warptape_operations, *last = __stop_warptape_operations;
}
#define float WT_FLOAT
