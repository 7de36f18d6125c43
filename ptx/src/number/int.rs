//! Integers of 8 to 64 bits (section 9.7.1).

/// What instructions do with an integer type.
pub trait Int: Copy + Default + Ord {
    /// Bits of the type.
    const BITS: u32;
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    /// The lower half of the product.
    fn low(self, other: Self) -> Self;
    /// The upper half of the product.
    fn high(self, other: Self) -> Self;
    /// The quotient, towards zero. Division by zero, which the manual leaves to the machine, gives all ones.
    fn div(self, other: Self) -> Self;
    /// What [`Int::div`] leaves; by zero, the dividend.
    fn rem(self, other: Self) -> Self;
    fn neg(self) -> Self;
    /// The absolute value; that of the least number is itself.
    fn abs(self) -> Self;
    /// Shifted left, all bits out from [`Int::BITS`] on.
    fn shl(self, by: u32) -> Self;
    /// Shifted right, filled with zeros or, if signed, the sign.
    fn shr(self, by: u32) -> Self;
    /// As 64 bits, extended by its sign if it has one.
    fn long(self) -> i64;
    /// The low bits of `long`.
    fn cut(long: i64) -> Self;
}

macro_rules! int {
    ($($type:ident, $wide:ident, $divide:expr;)*) => {$(
        impl Int for $type {
            const BITS: u32 = $type::BITS;

            #[inline(always)]
            fn add(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
            #[inline(always)]
            fn sub(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }
            #[inline(always)]
            fn low(self, other: Self) -> Self {
                self.wrapping_mul(other)
            }
            #[inline(always)]
            fn high(self, other: Self) -> Self {
                (self as $wide * other as $wide >> $type::BITS) as $type
            }
            #[inline(always)]
            fn div(self, other: Self) -> Self {
                // Masks, as compilers make branches of choices.
                let zero = (other == 0) as $type;
                $divide(self, other | zero) | (0 as $type).wrapping_sub(zero)
            }
            #[inline(always)]
            fn rem(self, other: Self) -> Self {
                let zero = (other == 0) as $type;
                self.wrapping_sub($divide(self, other | zero).wrapping_mul(other))
            }
            #[inline(always)]
            fn neg(self) -> Self {
                (0 as $type).wrapping_sub(self)
            }
            #[inline(always)]
            #[allow(unused_comparisons, reason = "the macro is for unsigned types, too")]
            fn abs(self) -> Self {
                if self < 0 { self.neg() } else { self }
            }
            #[inline(always)]
            fn shl(self, by: u32) -> Self {
                if by >= $type::BITS { 0 } else { self << by }
            }
            #[inline(always)]
            fn shr(self, by: u32) -> Self {
                self >> by.min($type::BITS - 1) >> (by >= $type::BITS) as u32
            }
            #[inline(always)]
            fn long(self) -> i64 {
                self as i64
            }
            #[inline(always)]
            fn cut(long: i64) -> Self {
                long as $type
            }
        }
    )*};
}

int! {
    u8, u16, |a: u8, b: u8| a / b;
    i8, i16, i8::wrapping_div;
    u16, u32, |a: u16, b: u16| a / b;
    i16, i32, i16::wrapping_div;
    u32, u64, div_u32;
    i32, i64, div_s32;
    u64, u128, |a: u64, b: u64| a / b;
    i64, i128, i64::wrapping_div;
}

/// `a / b`, `b` not zero, by way of f64, which has vectors: a quotient that is no integer is at least 2^-32 of itself away from one,
/// so it does not round to one.
#[inline(always)]
fn div_u32(a: u32, b: u32) -> u32 {
    // SAFETY: it is from 0 to 2^32 - 1.
    unsafe { (a as f64 / b as f64).to_int_unchecked() }
}

/// As [`div_u32`]; the least number by -1 is itself.
#[inline(always)]
fn div_s32(a: i32, b: i32) -> i32 {
    let negative = -((b == -1) as i32);
    // SAFETY: no larger than `a`; -1 became 1.
    let quotient: i32 = unsafe { (a as f64 / (b + (negative & 2)) as f64).to_int_unchecked() };
    (quotient ^ negative).wrapping_sub(negative)
}

/// `|a - b|` as an unsigned number in the type's bits, plus `c`.
#[inline(always)]
pub fn sad<T: Int>(a: T, b: T, c: T) -> T {
    c.add(if a < b { b.sub(a) } else { a.sub(b) })
}

/// The product of the low 24 bits of each, its bits 0 to 31 or 16 to 47.
#[inline(always)]
pub fn mul24_u32<const HIGH: bool>(a: u32, b: u32) -> u32 {
    let product = (a & 0xff_ffff) as u64 * (b & 0xff_ffff) as u64;
    if HIGH { (product >> 16) as u32 } else { product as u32 }
}

/// As [`mul24_u32`], of signed numbers of 24 bits.
#[inline(always)]
pub fn mul24_s32<const HIGH: bool>(a: i32, b: i32) -> i32 {
    let product = (a << 8 >> 8) as i64 * (b << 8 >> 8) as i64;
    if HIGH { (product >> 16) as i32 } else { product as i32 }
}
