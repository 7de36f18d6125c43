// Element types: how the numbers of a tensor lie in memory. Kernels compute in float whatever their tensors hold: a number is
// widened where it is loaded, which is exact, and rounded where it is stored, once.
//
//   type    bytes   sign, exponent, fraction   largest   smallest normal   from 1 to the next
//   float     4           1,  8, 23             3.4e38       1.2e-38            1.2e-7
//   f16       2           1,  5, 10              65504       6.1e-5             9.8e-4
//   bf16      2           1,  8,  7             3.4e38       1.2e-38            7.8e-3
//
// f16 is IEEE 754's binary16; bf16 is the upper half of a float. Rounding is to the nearest, ties to even (IEEE 754-2019,
// section 4.3.1): what is too large becomes an infinity, and a NaN stays one.
//
//   defines   ELEMENT   of what a kernel calls `element`, its activations first of all: f16, bf16, or float, as without it
//             RESULT    of what it calls `result`, partial sums that another launch goes on with; as ELEMENT without it
#pragma once

struct f16 {
    unsigned short bits;
    f16() = default;
    __device__ __forceinline__ f16(float value);
    __device__ __forceinline__ operator float() const;
};
struct bf16 {
    unsigned short bits;
    bf16() = default;
    __device__ __forceinline__ bf16(float value);
    __device__ __forceinline__ operator float() const;
};

#ifdef __CUDACC_RTC__
// PTX ISA, "cvt": an instruction each, for bf16 from compute capability 8.0 on. No header is needed.
__device__ __forceinline__ f16::f16(float value) { asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value)); }
__device__ __forceinline__ bf16::bf16(float value) { asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(value)); }
__device__ __forceinline__ f16::operator float() const {
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
    return value;
}
__device__ __forceinline__ bf16::operator float() const { return __uint_as_float((unsigned)bits << 16); }
#else
// The host's compilers have no conversions that all of them know, and none of vectors. These work on bits, of one number (Word
// is unsigned, Real is float) or of a vector of them; a choice between two values is no branch.
typedef decltype(0.0f) real;  // a plain float even where `float` is a number that counts operations

__forceinline__ real as_real(unsigned bits, real) { return warptape_host::from_bits<real>(bits); }
__forceinline__ unsigned as_word(real value, unsigned) { return (unsigned)warptape_host::to_bits(value); }
template <class Word, class Real> __forceinline__ Real as_real(Word bits, Real) { return (Real)bits; }
template <class Word, class Real> __forceinline__ Word as_word(Real value, Word) { return (Word)value; }

template <class Real, class Word> __forceinline__ Word widened_f16(Word half) {
    const Word magnitude = half & 0x7fff, sign = (half & 0x8000) << 16;
    // In a float's place the exponent is 127 − 15 = 112 too small. A product mends that, for subnormal numbers as well.
    const Word finite = as_word(as_real(magnitude << 13, Real{}) * 0x1p112f, Word{});
    const Word special = (half & 0x03ff) << 13 | 0x7f800000;
    return (magnitude >= 0x7c00 ? special : finite) | sign;
}

template <class Real, class Word> __forceinline__ Word narrowed_f16(Word word) {
    const Word magnitude = word & 0x7fffffff, sign = word >> 16 & 0x8000;
    // Half of what falls away, less a bit where the last one that stays is even: ties go to it. A carry goes into the exponent.
    const Word normal = (magnitude + 0xfff + (magnitude >> 13 & 1) - (112u << 23)) >> 13;
    // Below 2^-14 the last bit that stays is worth 2^-24, as the last one of a float between ½ and 1 is: a sum rounds.
    const Word small = as_word(as_real(magnitude, Real{}) + 0.5f, Word{}) - 0x3f000000;
    const Word special = magnitude > 0x7f800000 ? magnitude >> 13 & 0x3ff | 0x7e00 : Word{} + 0x7c00;
    const Word finite = magnitude < (113u << 23) ? small : normal;
    return (magnitude >= 0x477ff000 ? special : finite) | sign;  // 65520 and above are nearer to infinity
}

template <class Word> __forceinline__ Word narrowed_bf16(Word word) {
    const Word rounded = word + 0x7fff + (word >> 16 & 1);
    return ((word & 0x7fffffff) > 0x7f800000 ? word | 0x400000 : rounded) >> 16;
}

__forceinline__ f16::f16(float value) : bits((unsigned short)narrowed_f16<real>(__float_as_uint(value))) {}
__forceinline__ f16::operator float() const { return __uint_as_float(widened_f16<real>((unsigned)bits)); }
__forceinline__ bf16::bf16(float value) : bits((unsigned short)narrowed_bf16(__float_as_uint(value))) {}
__forceinline__ bf16::operator float() const { return __uint_as_float((unsigned)bits << 16); }
#endif

#ifndef ELEMENT
#define ELEMENT float
#endif
#ifndef RESULT
#define RESULT ELEMENT
#endif
typedef ELEMENT element;
typedef RESULT result;
