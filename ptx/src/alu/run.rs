//! The loops: sixteen lanes are read, computed and written at a time, so that compilers make vectors of them.

use super::Found;
use super::kind::{CHUNK, Kind, Lane, lanes};
use super::level::{Level, Run, best, opaque, plain};
use crate::lane::{Alu, Isa, Operands, Place, Slot};
use std::marker::PhantomData;

/// An instruction `d, a`.
pub trait Unary {
    type D: Kind;
    type A: Kind;
    fn lane<L: Level>(a: Lane<Self::A>) -> Lane<Self::D>;
}

/// An instruction `d, a, b`.
pub trait Binary {
    type D: Kind;
    type A: Kind;
    type B: Kind;
    fn lane<L: Level>(a: Lane<Self::A>, b: Lane<Self::B>) -> Lane<Self::D>;
}

/// An instruction `d, a, b, c`.
pub trait Ternary {
    type D: Kind;
    type A: Kind;
    type B: Kind;
    type C: Kind;
    fn lane<L: Level>(a: Lane<Self::A>, b: Lane<Self::B>, c: Lane<Self::C>) -> Lane<Self::D>;
}

/// An instruction `d, a, b, c, e`.
pub trait Quaternary {
    type D: Kind;
    type A: Kind;
    type B: Kind;
    type C: Kind;
    type E: Kind;
    fn lane<L: Level>(a: Lane<Self::A>, b: Lane<Self::B>, c: Lane<Self::C>, e: Lane<Self::E>) -> Lane<Self::D>;
}

pub struct One<O>(PhantomData<O>);
pub struct Two<O>(PhantomData<O>);
pub struct Three<O>(PhantomData<O>);
pub struct Four<O>(PhantomData<O>);

/// The halves of a warp, and the mask of each. The compiler does not see that there are two: unrolling would double what it has
/// to make vectors of, and gains nothing.
#[inline(always)]
pub fn halves(mask: u32) -> impl Iterator<Item = (usize, u16)> {
    let count = opaque(2);
    (0..count).map(move |chunk| (chunk, (mask >> (CHUNK * chunk)) as u16))
}

impl<O: Unary> Run for One<O> {
    const COMMON: bool = O::D::COMMON && O::A::COMMON;

    #[inline(always)]
    unsafe fn run<L: Level>(words: *mut u32, mask: u32, o: &Operands) {
        for (chunk, mask) in halves(mask) {
            // SAFETY: the caller's promise.
            unsafe {
                let a = O::A::read::<L>(words, o.a, chunk);
                let d = lanes::<L, _>(|i| O::D::encode(O::lane::<L>(O::A::decode(a[i]))));
                O::D::write::<L>(words, o.d, chunk, mask, d);
            }
        }
    }
}

impl<O: Binary> Run for Two<O> {
    const COMMON: bool = O::D::COMMON && O::A::COMMON && O::B::COMMON;

    #[inline(always)]
    unsafe fn run<L: Level>(words: *mut u32, mask: u32, o: &Operands) {
        for (chunk, mask) in halves(mask) {
            // SAFETY: the caller's promise.
            unsafe {
                let (a, b) = (O::A::read::<L>(words, o.a, chunk), O::B::read::<L>(words, o.b, chunk));
                let d = lanes::<L, _>(|i| O::D::encode(O::lane::<L>(O::A::decode(a[i]), O::B::decode(b[i]))));
                O::D::write::<L>(words, o.d, chunk, mask, d);
            }
        }
    }
}

impl<O: Ternary> Run for Three<O> {
    const COMMON: bool = O::D::COMMON && O::A::COMMON && O::B::COMMON && O::C::COMMON;

    #[inline(always)]
    unsafe fn run<L: Level>(words: *mut u32, mask: u32, o: &Operands) {
        for (chunk, mask) in halves(mask) {
            // SAFETY: the caller's promise.
            unsafe {
                let (a, b) = (O::A::read::<L>(words, o.a, chunk), O::B::read::<L>(words, o.b, chunk));
                let c = O::C::read::<L>(words, o.c, chunk);
                let d = lanes::<L, _>(|i| {
                    let (a, b, c) = (O::A::decode(a[i]), O::B::decode(b[i]), O::C::decode(c[i]));
                    O::D::encode(O::lane::<L>(a, b, c))
                });
                O::D::write::<L>(words, o.d, chunk, mask, d);
            }
        }
    }
}

impl<O: Quaternary> Run for Four<O> {
    const COMMON: bool = O::D::COMMON && O::A::COMMON && O::B::COMMON && O::C::COMMON && O::E::COMMON;

    #[inline(always)]
    unsafe fn run<L: Level>(words: *mut u32, mask: u32, o: &Operands) {
        for (chunk, mask) in halves(mask) {
            // SAFETY: the caller's promise.
            unsafe {
                let (a, b) = (O::A::read::<L>(words, o.a, chunk), O::B::read::<L>(words, o.b, chunk));
                let (c, e) = (O::C::read::<L>(words, o.c, chunk), O::E::read::<L>(words, o.e, chunk));
                let d = lanes::<L, _>(|i| {
                    let (a, b, c) = (O::A::decode(a[i]), O::B::decode(b[i]), O::C::decode(c[i]));
                    O::D::encode(O::lane::<L>(a, b, c, O::E::decode(e[i])))
                });
                O::D::write::<L>(words, o.d, chunk, mask, d);
            }
        }
    }
}

/// A slot for an operand of `K`.
pub fn slot<K: Kind>(place: Place) -> Slot {
    Slot { place, width: K::WIDTH }
}

fn found1<O: Unary>(run: Alu) -> Option<Found> {
    Some(Found::new(run, [slot::<O::D>(Place::D), slot::<O::A>(Place::A)]))
}

fn found2<O: Binary>(run: Alu) -> Option<Found> {
    Some(Found::new(run, [slot::<O::D>(Place::D), slot::<O::A>(Place::A), slot::<O::B>(Place::B)]))
}

fn found3<O: Ternary>(run: Alu) -> Option<Found> {
    let (d, a) = (slot::<O::D>(Place::D), slot::<O::A>(Place::A));
    Some(Found::new(run, [d, a, slot::<O::B>(Place::B), slot::<O::C>(Place::C)]))
}

fn found4<O: Quaternary>(run: Alu) -> Option<Found> {
    let (d, a, b) = (slot::<O::D>(Place::D), slot::<O::A>(Place::A), slot::<O::B>(Place::B));
    Some(Found::new(run, [d, a, b, slot::<O::C>(Place::C), slot::<O::E>(Place::E)]))
}

/// `d, a`.
pub fn one<O: Unary>(isa: Isa) -> Option<Found> {
    found1::<O>(best::<One<O>>(isa))
}

/// `d, a, b`.
pub fn two<O: Binary>(isa: Isa) -> Option<Found> {
    found2::<O>(best::<Two<O>>(isa))
}

/// `d, a, b, c`.
pub fn three<O: Ternary>(isa: Isa) -> Option<Found> {
    found3::<O>(best::<Three<O>>(isa))
}

/// `d, a, b, c, e`.
pub fn four<O: Quaternary>(isa: Isa) -> Option<Found> {
    found4::<O>(best::<Four<O>>(isa))
}

/// As [`one`], in one form for all processors: for what is rare.
pub fn one_plain<O: Unary>(_isa: Isa) -> Option<Found> {
    found1::<O>(plain::<One<O>>())
}

/// As [`two`], in one form for all processors.
pub fn two_plain<O: Binary>(_isa: Isa) -> Option<Found> {
    found2::<O>(plain::<Two<O>>())
}

/// As [`three`], in one form for all processors.
pub fn three_plain<O: Ternary>(_isa: Isa) -> Option<Found> {
    found3::<O>(plain::<Three<O>>())
}

/// As [`four`], in one form for all processors.
pub fn four_plain<O: Quaternary>(_isa: Isa) -> Option<Found> {
    found4::<O>(plain::<Four<O>>())
}
