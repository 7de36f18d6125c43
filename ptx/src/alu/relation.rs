//! What comparisons are made of: relations of lanes, and what is done with a bit for each lane.

use super::half::Small;
use super::kind::{CHUNK, Kind, Lane, lanes};
use super::level::{Level, Run, Slow};
use super::pair::load2;
use super::run::halves;
use super::vector;
#[cfg(doc)]
use crate::lane::Alu;
use crate::lane::{LANES, Operands};
use std::marker::PhantomData;

/// A relation of two lanes.
pub trait Relation {
    type K: Kind;
    fn lane(a: Lane<Self::K>, b: Lane<Self::K>) -> bool;
}

/// What is compared: integers or floating point.
pub trait Compared: Kind<Lane: PartialOrd> {}
impl<K: Kind<Lane: PartialOrd>> Compared for K {}

macro_rules! relation {
    ($($(#[$doc:meta])* $name:ident = |$a:ident, $b:ident| $body:expr;)*) => {$(
        $(#[$doc])*
        pub struct $name<K>(PhantomData<K>);

        impl<K: Compared> Relation for $name<K> {
            type K = K;

            #[inline(always)]
            #[allow(clippy::eq_op, reason = "it tells a NaN")]
            fn lane($a: Lane<K>, $b: Lane<K>) -> bool {
                $body
            }
        }
    )*};
}

relation! {
    Equal = |a, b| a == b;
    Less = |a, b| a < b;
    LessEqual = |a, b| a <= b;
    /// Neither is a NaN.
    Number = |a, b| (a == a) & (b == b);
    EqualOrNan = |a, b| (a == b) | (a != a) | (b != b);
}

/// Flags of [`Operands::control`]: the relation's opposite is meant; how it is joined with predicate `c`; the second predicate is
/// wanted, too; and from bit 8 on the place in [`TRUE`] of what set writes.
pub const OPPOSITE: u32 = 1;
pub const AND: u32 = 2;
pub const OR: u32 = 4;
pub const XOR: u32 = 6;
pub const SECOND: u32 = 8;

/// What set writes where the comparison holds; elsewhere it writes zero.
pub const TRUE: [u32; 8] = [u32::MAX, 0x3f80_0000, 0xffff, 0x3c00, 0x3f80, 0x3c00_3c00, 0x3f80_3f80, 0];

/// `truth` joined with the predicate at `c`, if there is one.
///
/// # Safety
/// As [`Alu`].
#[inline(always)]
unsafe fn join(words: *mut u32, o: &Operands, truth: u32) -> u32 {
    // SAFETY: the caller's promise; what is not looked at is at 0, where there is a word.
    let c = unsafe { *words.add(o.c as usize) };
    match o.control & XOR {
        AND => truth & c,
        OR => truth | c,
        XOR => truth ^ c,
        _ => truth,
    }
}

/// # Safety
/// As [`Alu`].
#[inline(always)]
unsafe fn put(words: *mut u32, offset: u32, mask: u32, bits: u32) {
    // SAFETY: the caller's promise.
    unsafe {
        let word = words.add(offset as usize);
        *word = *word & !mask | bits & mask;
    }
}

/// A bit for each lane: whether `R` or, if so asked for, its opposite holds.
///
/// # Safety
/// As [`Alu`].
#[inline(always)]
unsafe fn compare<R: Relation, L: Level>(words: *mut u32, o: &Operands) -> u32 {
    let mut truth = 0;
    for (chunk, _) in halves(u32::MAX) {
        // SAFETY: the caller's promise.
        let (a, b) = unsafe { (R::K::read::<L>(words, o.a, chunk), R::K::read::<L>(words, o.b, chunk)) };
        truth |= (vector::bits::<L>(lanes::<L, _>(|i| R::lane(R::K::decode(a[i]), R::K::decode(b[i])))) as u32)
            << (CHUNK * chunk);
    }
    truth ^ (o.control & OPPOSITE).wrapping_neg()
}

/// As [`compare`], of the lower and of the upper halves of words.
///
/// # Safety
/// As [`Alu`].
#[inline(always)]
unsafe fn compare2<R: Relation<K: Small>, L: Level>(words: *mut u32, o: &Operands) -> [u32; 2] {
    let mut truth = [0; 2];
    for (chunk, _) in halves(u32::MAX) {
        // SAFETY: the caller's promise.
        let (a, b) = unsafe { (load2::<R::K, L>(words, o.a, chunk), load2::<R::K, L>(words, o.b, chunk)) };
        for half in 0..2 {
            truth[half] |=
                (vector::bits::<L>(lanes::<L, _>(|i| R::lane(R::K::decode(a[half][i]), R::K::decode(b[half][i]))))
                    as u32)
                    << (CHUNK * chunk);
        }
    }
    truth.map(|truth| truth ^ (o.control & OPPOSITE).wrapping_neg())
}

pub struct SetPredicate<R>(PhantomData<R>);
pub struct SetValue<R>(PhantomData<R>);
pub struct SetPredicate2<R>(PhantomData<R>);
pub struct SetValue2<R>(PhantomData<R>);

impl<R: Relation> Run for SetPredicate<R> {
    const COMMON: bool = R::K::COMMON;

    #[inline(always)]
    unsafe fn run<L: Level>(words: *mut u32, mask: u32, o: &Operands) {
        // SAFETY: the caller's promise.
        unsafe {
            let truth = compare::<R, L>(words, o);
            let (p, q) = (join(words, o, truth), join(words, o, !truth));
            put(words, o.d, mask, p);
            if o.control & SECOND != 0 {
                put(words, o.p, mask, q);
            }
        }
    }
}

impl<R: Relation<K: Small>> Run for SetPredicate2<R> {
    const COMMON: bool = false;

    #[inline(always)]
    unsafe fn run<L: Level>(words: *mut u32, mask: u32, o: &Operands) {
        // SAFETY: the caller's promise.
        unsafe {
            let [p, q] = compare2::<R, L>(words, o).map(|truth| join(words, o, truth));
            put(words, o.d, mask, p);
            put(words, o.p, mask, q);
        }
    }
}

// set is rare, so what is not the comparison is not compiled for each of them, nor the comparison more than once.

#[inline(never)]
unsafe fn compare_slowly<R: Relation>(words: *mut u32, o: &Operands) -> [u32; 1] {
    // SAFETY: the caller's promise.
    unsafe { [compare::<R, Slow>(words, o)] }
}

#[inline(never)]
unsafe fn compare2_slowly<R: Relation<K: Small>>(words: *mut u32, o: &Operands) -> [u32; 2] {
    // SAFETY: the caller's promise.
    unsafe { compare2::<R, Slow>(words, o) }
}

/// Writes what set does; of two truths each to its half of the words.
///
/// # Safety
/// As [`Alu`]; results have words of 32 bits, whatever their type.
#[inline(never)]
unsafe fn set_values(words: *mut u32, mask: u32, o: &Operands, truths: &[u32]) {
    let yes = TRUE[(o.control >> 8) as usize & 7];
    // SAFETY: the caller's promise.
    unsafe {
        for lane in (0..LANES).filter(|lane| mask >> lane & 1 != 0) {
            let full = |truth: u32| (truth >> lane & 1).wrapping_neg();
            let chosen = match *truths {
                [low, high] => full(low) & 0xffff | full(high) << 16,
                _ => full(truths[0]),
            };
            *words.add(o.d as usize + lane) = chosen & yes;
        }
    }
}

impl<R: Relation> Run for SetValue<R> {
    const COMMON: bool = false;

    #[inline(always)]
    unsafe fn run<L: Level>(words: *mut u32, mask: u32, o: &Operands) {
        // SAFETY: the caller's promise.
        unsafe {
            let truth = compare_slowly::<R>(words, o).map(|truth| join(words, o, truth));
            set_values(words, mask, o, &truth);
        }
    }
}

impl<R: Relation<K: Small>> Run for SetValue2<R> {
    const COMMON: bool = false;

    #[inline(always)]
    unsafe fn run<L: Level>(words: *mut u32, mask: u32, o: &Operands) {
        // SAFETY: the caller's promise.
        unsafe {
            let truths = compare2_slowly::<R>(words, o).map(|truth| join(words, o, truth));
            set_values(words, mask, o, &truths);
        }
    }
}
