// What `float` is where operations are counted. It stands before shim.h, whose vector types are made of it;
// counted_functions.h gives it CUDA's functions. Results are those of a float; what differs is that no number turns into
// another type by itself (`int i = x`), which kernels rarely ask for.
//
// Every operation is inlined into the line that asked for it, with a counter of its own: three words in section
// `warptape_counts`, the count, the distance to the code that counts, and the kind. Counting is one instruction.
namespace warptape_host {
enum Operation { ADD, MULTIPLY, FUSED, DIVIDE, SPECIAL, COMPARE };

#define WT_ENTRY(kind) \
    ".pushsection warptape_operations,\"aw\",%%progbits\n 2: .quad 0, 1f - 2b, %c0\n .popsection\n"
#if defined(__x86_64__)
#define WT_COUNT(kind) asm volatile(WT_ENTRY() "1: incq 2b(%%rip)" : : "i"(kind) : "cc")
#elif defined(__aarch64__)
#define WT_COUNT(kind) \
    asm volatile(WT_ENTRY() "1: adrp x16, 2b\n add x16, x16, :lo12:2b\n ldr x17, [x16]\n add x17, x17, #1\n str x17, [x16]" \
                 : : "i"(kind) : "x16", "x17")
#endif
#define WT_INLINE inline __attribute__((always_inline)) constexpr

template <int KIND> WT_INLINE void count() {
    if (!__builtin_is_constant_evaluated()) WT_COUNT(KIND);
}

struct Float {
    float value;

    Float() = default;
    // Half types turn into this by an operator, and from it by a constructor, of their own.
    template <class T> requires requires(T v) { (float)v; } WT_INLINE Float(T v) : value((float)v) {}
    template <class T> requires requires(float v) { (T)v; } WT_INLINE explicit operator T() const { return (T)value; }

#define WT_OPERATOR(symbol, kind) \
    friend WT_INLINE Float operator symbol(Float a, Float b) { count<kind>(); return a.value symbol b.value; } \
    WT_INLINE Float& operator symbol##=(Float b) { count<kind>(); value symbol##= b.value; return *this; }
    WT_OPERATOR(+, ADD) WT_OPERATOR(-, ADD) WT_OPERATOR(*, MULTIPLY) WT_OPERATOR(/, DIVIDE)
#define WT_COMPARISON(symbol) \
    friend WT_INLINE bool operator symbol(Float a, Float b) { count<COMPARE>(); return a.value symbol b.value; }
    WT_COMPARISON(<) WT_COMPARISON(>) WT_COMPARISON(<=) WT_COMPARISON(>=) WT_COMPARISON(==) WT_COMPARISON(!=)
    WT_INLINE Float operator+() const { return *this; }
    WT_INLINE Float operator-() const { return Float(-value); }
    WT_INLINE Float& operator++() { return *this += Float(1); }
    WT_INLINE Float& operator--() { return *this -= Float(1); }
    WT_INLINE Float operator++(int) { Float old = *this; ++*this; return old; }
    WT_INLINE Float operator--(int) { Float old = *this; --*this; return old; }
};
}  // namespace warptape_host
#define WT_FLOAT warptape_host::Float
