//! Logic (section 9.7.8: and, or, xor, not, cnot, lop3) on registers and on predicates, and mov of a scalar (9.7.9).

use super::integer::Integer;
use super::kind::{CHUNK, Kind, Pred, U16, U32, U64, lanes, map};
use super::level::{Level, Run, best, plain};
use super::run::{halves, one, slot, two};
use super::table::{binary, by_type, unary};
use super::{Asked, Found};
use crate::lane::{Operands, Place};
use std::marker::PhantomData;
use std::ops::{BitAnd, BitOr, BitXor, Not};

/// A type of bits.
pub trait Bits: Integer<Lane: BitsLane> {}
impl<K: Integer<Lane: BitsLane>> Bits for K {}

pub trait BitsLane:
    BitAnd<Output = Self> + BitOr<Output = Self> + BitXor<Output = Self> + Not<Output = Self> + From<bool> + Sized
{
}
impl BitsLane for u16 {}
impl BitsLane for u32 {}
impl BitsLane for u64 {}

unary! {
    Invert<K: Bits>: (K) -> K = |a| !a;
    /// 1 for zero, else 0.
    IsZero<K: Bits>: (K) -> K = |a| (a == K::Lane::default()).into();
    Move<K: Bits>: (K) -> K = |a| a;
}

binary! {
    And<K: Bits>: (K, K) -> K = |a, b| a & b;
    Or<K: Bits>: (K, K) -> K = |a, b| a | b;
    Xor<K: Bits>: (K, K) -> K = |a, b| a ^ b;
}

/// How two predicates become one, for all lanes.
trait Combine {
    fn words(a: u32, b: u32) -> u32;
}

struct Predicates<C>(PhantomData<C>);

impl<C: Combine> Run for Predicates<C> {
    const COMMON: bool = true;

    #[inline(always)]
    unsafe fn run<L: Level>(words: *mut u32, mask: u32, o: &Operands) {
        // SAFETY: the caller's promise. An operand that the instruction lacks is at 0, where there is a word.
        unsafe {
            let result = C::words(*words.add(o.a as usize), *words.add(o.b as usize));
            let d = words.add(o.d as usize);
            *d = *d & !mask | result & mask;
        }
    }
}

macro_rules! combine {
    ($($name:ident = |$a:ident, $b:ident| $body:expr;)*) => {$(
        struct $name;
        impl Combine for $name {
            #[inline(always)]
            fn words($a: u32, $b: u32) -> u32 {
                $body
            }
        }
    )*};
}

combine! {
    Both = |a, b| a & b;
    Either = |a, b| a | b;
    Differ = |a, b| a ^ b;
    Opposite = |a, _b| !a;
    Same = |a, _b| a;
}

fn predicates<C: Combine>(sources: usize) -> Option<Found> {
    let places = [Place::D, Place::A, Place::B];
    Some(Found::new(plain::<Predicates<C>>(), places[..=sources].iter().map(|&place| slot::<Pred>(place))))
}

/// lop3: any function of three bits, given as a table of eight (in all lanes of `e`), and maybe joined with a predicate:
/// `p` becomes `(d != 0) op q`.
struct Table<const JOINED: bool>;

/// [`Operands::control`] of a lop3 that is joined.
const OR: u32 = 0;
const AND: u32 = 1;

impl<const JOINED: bool> Run for Table<JOINED> {
    const COMMON: bool = !JOINED;

    #[inline(always)]
    unsafe fn run<L: Level>(words: *mut u32, mask: u32, o: &Operands) {
        // SAFETY: the caller's promise; the table is the same in all lanes, as it is an immediate.
        unsafe {
            let table = *words.add(o.e as usize);
            let entry: [u32; 8] = std::array::from_fn(|at| (table >> at & 1).wrapping_neg());
            let mut nonzero = 0;
            for (chunk, mask) in halves(mask) {
                let (a, b) = (U32::read::<L>(words, o.a, chunk), U32::read::<L>(words, o.b, chunk));
                let c = U32::read::<L>(words, o.c, chunk);
                let choose = |on: u32, yes: u32, no: u32| on & yes | !on & no;
                let d = lanes::<L, _>(|i| {
                    let pair = |at: usize| choose(c[i], entry[at + 1], entry[at]);
                    choose(a[i], choose(b[i], pair(6), pair(4)), choose(b[i], pair(2), pair(0)))
                });
                if JOINED {
                    nonzero |=
                        (super::vector::bits::<L>(map::<L, _, _>(d, |lane| lane != 0)) as u32) << (CHUNK * chunk);
                }
                U32::write::<L>(words, o.d, chunk, mask, d);
            }
            if JOINED {
                let q = *words.add(o.f as usize);
                let p = words.add(o.p as usize);
                let result = if o.control == AND { nonzero & q } else { nonzero | q };
                *p = *p & !mask | result & mask;
            }
        }
    }
}

fn table(asked: Asked) -> Option<Found> {
    let Asked { isa, mut words, pair, .. } = asked;
    let joined = words.choice(&[("or", OR), ("and", AND)]);
    (words.last()? == "b32").then_some(())?;
    let sources = [Place::A, Place::B, Place::C, Place::E].map(slot::<U32>);
    let Some(control) = joined else {
        return Some(Found::new(best::<Table<false>>(isa), std::iter::once(slot::<U32>(Place::D)).chain(sources)));
    };
    // The pair is `d|p`; where `d` is not wanted it is written `_`.
    pair.then_some(())?;
    let slots =
        [slot::<U32>(Place::D), slot::<Pred>(Place::P)].into_iter().chain(sources).chain([slot::<Pred>(Place::F)]);
    Some(Found::new(best::<Table<true>>(isa), slots).with_control(control))
}

macro_rules! bits {
    ($type:expr, $make:ident, $op:ident, $isa:expr) => {
        by_type!($type, $make, $op, $isa, "b16" => U16, "b32" => U32, "b64" => U64)
    };
}

pub fn find(asked: Asked) -> Option<Found> {
    let Asked { isa, op, words, .. } = asked;
    match op {
        "lop3" => table(asked),
        "and" if words.last()? == "pred" => predicates::<Both>(2),
        "or" if words.last()? == "pred" => predicates::<Either>(2),
        "xor" if words.last()? == "pred" => predicates::<Differ>(2),
        "not" if words.last()? == "pred" => predicates::<Opposite>(1),
        "mov" if words.last()? == "pred" => predicates::<Same>(1),
        "and" => bits!(words.last()?, two, And, isa),
        "or" => bits!(words.last()?, two, Or, isa),
        "xor" => bits!(words.last()?, two, Xor, isa),
        "not" => bits!(words.last()?, one, Invert, isa),
        "cnot" => bits!(words.last()?, one, IsZero, isa),
        "mov" => by_type!(words.last()?, one, Move, isa,
            "b16" | "u16" | "s16" => U16, "b32" | "u32" | "s32" | "f32" => U32, "b64" | "u64" | "s64" | "f64" => U64),
        _ => None,
    }
}
