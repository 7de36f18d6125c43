//! Arithmetic of more bits than registers have (section 9.7.2): add.cc, addc, sub.cc, subc, mad.cc, madc. The carry flag lies in
//! [`Operands::p`], a bit for each lane as in a predicate.

use super::integer::Integer;
use super::kind::{CHUNK, Kind, Lane, Pred, S32, S64, U32, U64, lanes};
use super::level::{Level, Run, best, plain};
use super::run::{halves, slot};
use super::{Asked, Found, vector};
use crate::lane::{Alu, Isa, Operands, Place};
use crate::number::int::Int;
use std::marker::PhantomData;

/// What a lane computes besides its carry.
trait Carrying {
    type K: Integer;
    /// Whether there is an operand `c`.
    const THREE: bool;
    /// The result with the carry taken in, and the carry out of it.
    fn lane(a: Lane<Self::K>, b: Lane<Self::K>, c: Lane<Self::K>, carry: bool) -> (Lane<Self::K>, bool);
}

struct Add<K>(PhantomData<K>);
struct Sub<K>(PhantomData<K>);
struct MadLow<K>(PhantomData<K>);
struct MadHigh<K>(PhantomData<K>);

/// `a + b + carry`, and whether it is too large: compared as unsigned numbers.
#[inline(always)]
fn sum<T: Unsigned>(a: T, b: T, carry: bool) -> (T, bool) {
    let first = a.add(b);
    let second = first.add(T::cut(carry as i64));
    (second, (first.unsigned() < a.unsigned()) | (second.unsigned() < first.unsigned()))
}

/// An integer's bits as an unsigned number.
pub trait Unsigned: Int {
    type Bits: PartialOrd;
    fn unsigned(self) -> Self::Bits;
}

macro_rules! unsigned {
    ($($type:ty => $bits:ty;)*) => {$(
        impl Unsigned for $type {
            type Bits = $bits;
            #[inline(always)]
            fn unsigned(self) -> $bits {
                self as $bits
            }
        }
    )*};
}
unsigned! { u32 => u32; i32 => u32; u64 => u64; i64 => u64; }

impl<K: Integer<Lane: Unsigned>> Carrying for Add<K> {
    type K = K;
    const THREE: bool = false;
    #[inline(always)]
    fn lane(a: Lane<K>, b: Lane<K>, _c: Lane<K>, carry: bool) -> (Lane<K>, bool) {
        sum(a, b, carry)
    }
}

impl<K: Integer<Lane: Unsigned>> Carrying for Sub<K> {
    type K = K;
    const THREE: bool = false;
    #[inline(always)]
    fn lane(a: Lane<K>, b: Lane<K>, _c: Lane<K>, borrow: bool) -> (Lane<K>, bool) {
        let first = a.sub(b);
        let second = first.sub(Lane::<K>::cut(borrow as i64));
        (second, (first.unsigned() > a.unsigned()) | (second.unsigned() > first.unsigned()))
    }
}

impl<K: Integer<Lane: Unsigned>> Carrying for MadLow<K> {
    type K = K;
    const THREE: bool = true;
    #[inline(always)]
    fn lane(a: Lane<K>, b: Lane<K>, c: Lane<K>, carry: bool) -> (Lane<K>, bool) {
        sum(a.low(b), c, carry)
    }
}

impl<K: Integer<Lane: Unsigned>> Carrying for MadHigh<K> {
    type K = K;
    const THREE: bool = true;
    #[inline(always)]
    fn lane(a: Lane<K>, b: Lane<K>, c: Lane<K>, carry: bool) -> (Lane<K>, bool) {
        sum(a.high(b), c, carry)
    }
}

/// `IN` takes the carry flag in, `OUT` writes it.
struct Carried<C, const IN: bool, const OUT: bool>(PhantomData<C>);

impl<C: Carrying, const IN: bool, const OUT: bool> Run for Carried<C, IN, OUT> {
    const COMMON: bool = false;

    #[inline(always)]
    unsafe fn run<L: Level>(words: *mut u32, mask: u32, o: &Operands) {
        // SAFETY: the caller's promise.
        unsafe {
            let flag = words.add(o.p as usize);
            let old = *flag;
            let mut new = 0;
            for (chunk, mask) in halves(mask) {
                let (a, b) = (C::K::read::<L>(words, o.a, chunk), C::K::read::<L>(words, o.b, chunk));
                let c =
                    if C::THREE { C::K::read::<L>(words, o.c, chunk) } else { lanes::<L, _>(|_| Default::default()) };
                let carry = lanes::<L, _>(|i| IN && old >> (CHUNK * chunk + i) & 1 != 0);
                let of = |i: usize| {
                    let (a, b, c) = (C::K::decode(a[i]), C::K::decode(b[i]), C::K::decode(c[i]));
                    C::lane(a, b, c, carry[i])
                };
                C::K::write::<L>(words, o.d, chunk, mask, lanes::<L, _>(|i| C::K::encode(of(i).0)));
                if OUT {
                    let carries = lanes::<L, _>(|i| of(i).1);
                    new |= (vector::bits::<L>(carries) as u32) << (CHUNK * chunk);
                }
            }
            if OUT {
                *flag = old & !mask | new & mask;
            }
        }
    }
}

fn carried<C: Carrying>(isa: Isa, take: bool, give: bool) -> Option<Found> {
    // Chains of 32-bit sums are the multiplications of long numbers; the rest is rare.
    let run: Alu = match (take, give) {
        (false, true) => best::<Carried<C, false, true>>(isa),
        (true, true) => best::<Carried<C, true, true>>(isa),
        (true, false) => plain::<Carried<C, true, false>>(),
        (false, false) => return None,
    };
    let k = slot::<C::K>;
    let sources = [Place::A, Place::B, Place::C].into_iter().take(2 + C::THREE as usize).map(k);
    let carry = slot::<Pred>(Place::P);
    Some(Found::new(
        run,
        [k(Place::D)].into_iter().chain(sources).chain([super::Slot { place: Place::Carry, ..carry }]),
    ))
}

pub fn find(asked: Asked) -> Option<Found> {
    let Asked { isa, op, mut words, .. } = asked;
    let take = matches!(op, "addc" | "subc" | "madc");
    let part = if matches!(op, "mad" | "madc") { words.choice(&[("lo", false), ("hi", true)]) } else { None };
    let give = words.flag("cc");
    let last = words.last()?;
    let long = match last {
        "u32" | "s32" => false,
        "u64" | "s64" => true,
        _ => return None,
    };
    match (op, part) {
        ("add" | "addc", _) if long => carried::<Add<U64>>(isa, take, give),
        ("add" | "addc", _) => carried::<Add<U32>>(isa, take, give),
        ("sub" | "subc", _) if long => carried::<Sub<U64>>(isa, take, give),
        ("sub" | "subc", _) => carried::<Sub<U32>>(isa, take, give),
        ("mad" | "madc", Some(false)) if long => carried::<MadLow<U64>>(isa, take, give),
        ("mad" | "madc", Some(false)) => carried::<MadLow<U32>>(isa, take, give),
        ("mad" | "madc", Some(true)) => match last {
            "u32" => carried::<MadHigh<U32>>(isa, take, give),
            "s32" => carried::<MadHigh<S32>>(isa, take, give),
            "u64" => carried::<MadHigh<U64>>(isa, take, give),
            _ => carried::<MadHigh<S64>>(isa, take, give),
        },
        _ => None,
    }
}
