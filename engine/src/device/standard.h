// What kernels use of C's headers, on both devices: it stands before every kernel, and lines that include those headers are
// dropped (include.rs). NVRTC has no headers; it knows CUDA's functions, size_t, ptrdiff_t, NULL, printf and assert by
// itself, and shim.h and functions.h have them for the host device.

// <stdint.h>, and the short names of <sys/types.h>
typedef signed char int8_t;
typedef unsigned char uint8_t;
typedef short int16_t;
typedef unsigned short uint16_t;
typedef int int32_t;
typedef unsigned int uint32_t;
typedef long int64_t;
typedef unsigned long uint64_t;
typedef long intptr_t;
typedef unsigned long uintptr_t;
typedef unsigned char uchar;
typedef unsigned short ushort;
typedef unsigned int uint;
static_assert(sizeof(int64_t) == 8, "kernels are compiled for 64-bit systems");
#define INT8_MAX 127
#define INT8_MIN (-128)
#define UINT8_MAX 255
#define INT16_MAX 32767
#define INT16_MIN (-32768)
#define UINT16_MAX 65535
#define INT32_MAX 2147483647
#define INT32_MIN (-2147483647 - 1)
#define UINT32_MAX 4294967295u
#define INT64_MAX 9223372036854775807l
#define INT64_MIN (-9223372036854775807l - 1)
#define UINT64_MAX 18446744073709551615ul

// <limits.h>
#define CHAR_BIT 8
#define SHRT_MAX 32767
#define SHRT_MIN (-32768)
#define USHRT_MAX 65535
#define INT_MAX 2147483647
#define INT_MIN (-2147483647 - 1)
#define UINT_MAX 4294967295u
#define LONG_MAX 9223372036854775807l
#define LONG_MIN (-9223372036854775807l - 1)
#define ULONG_MAX 18446744073709551615ul
#define LLONG_MAX 9223372036854775807ll
#define LLONG_MIN (-9223372036854775807ll - 1)
#define ULLONG_MAX 18446744073709551615ull

// <float.h>
#define FLT_MAX 3.402823466385288598e38f
#define FLT_MIN 1.175494350822287508e-38f
#define FLT_EPSILON 1.192092895507812500e-7f
#define FLT_DIG 6
#define DBL_MAX 1.7976931348623157081e308
#define DBL_MIN 2.2250738585072013831e-308
#define DBL_EPSILON 2.2204460492503130808e-16
#define DBL_DIG 15

// <math.h>
#ifdef __CUDACC_RTC__
#define INFINITY (1.0f / 0.0f)
#define NAN __int_as_float(0x7fffffff)
#else
#define INFINITY __builtin_inff()
#define NAN __builtin_nanf("")
#endif
#define HUGE_VALF INFINITY
#define M_E 2.7182818284590452354
#define M_LOG2E 1.4426950408889634074
#define M_LN2 0.69314718055994530942
#define M_LN10 2.30258509299404568402
#define M_PI 3.14159265358979323846
#define M_PI_2 1.57079632679489661923
#define M_PI_4 0.78539816339744830962
#define M_1_PI 0.31830988618379067154
#define M_2_PI 0.63661977236758134308
#define M_SQRT2 1.41421356237309504880
#define M_SQRT1_2 0.70710678118654752440

// <cmath> and <cstdint>
namespace std {
using ::abs; using ::acos; using ::asin; using ::atan; using ::atan2; using ::cbrt; using ::ceil; using ::copysign;
using ::cos; using ::cosh; using ::erf; using ::exp; using ::exp2; using ::expm1; using ::fabs; using ::floor; using ::fma;
using ::fmax; using ::fmin; using ::fmod; using ::hypot; using ::isfinite; using ::isinf; using ::isnan; using ::log;
using ::log10; using ::log1p; using ::log2; using ::max; using ::min; using ::pow; using ::rint; using ::round; using ::sin;
using ::sinh; using ::sqrt; using ::tan; using ::tanh; using ::trunc;
using ::int8_t; using ::uint8_t; using ::int16_t; using ::uint16_t; using ::int32_t; using ::uint32_t; using ::int64_t;
using ::uint64_t; using ::size_t; using ::ptrdiff_t;
}  // namespace std
