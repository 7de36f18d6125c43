//! Two 16-bit floating-point numbers in a 32-bit register: the instructions of one, done to both halves.

use super::half::Small;
use super::kind::{Lanes, Narrow, U32, lanes, map};
use super::level::{Level, Run, best, plain};
use super::run::{Binary, Ternary, Unary, halves, slot};
use super::{Found, vector};
use crate::lane::{Alu, Isa, Operands, Place};
use std::marker::PhantomData;

pub struct Pair1<O>(PhantomData<O>);
pub struct Pair2<O>(PhantomData<O>);
pub struct Pair3<O>(PhantomData<O>);

/// The values in the lower and in the upper halves of a register's words.
#[inline(always)]
pub unsafe fn load2<K: Narrow, L: Level>(words: *const u32, offset: u32, chunk: usize) -> [Lanes<K::Cell>; 2] {
    // SAFETY: the caller's promise.
    let cells = unsafe { vector::read32(words, offset, chunk) };
    [
        K::widen::<L>(map::<L, _, _>(cells, |cell| cell & 0xffff)),
        K::widen::<L>(map::<L, _, _>(cells, |cell| cell >> 16)),
    ]
}

#[inline(always)]
unsafe fn store2<K: Narrow, L: Level>(words: *mut u32, d: u32, chunk: usize, mask: u16, values: [Lanes<K::Cell>; 2]) {
    let [low, high] = [K::round::<L>(values[0]), K::round::<L>(values[1])];
    // SAFETY: the caller's promise.
    unsafe { vector::write32::<L>(words, d, chunk, mask, lanes::<L, _>(|i| low[i] | high[i] << 16)) }
}

// Functions, not closures: those are compiled for the least processor unless they happen to be inlined.

#[inline(always)]
fn half1<L: Level, K: Small, O: Unary<D = K, A = K>>(a: &Lanes<K::Cell>) -> Lanes<K::Cell> {
    lanes::<L, _>(|i| K::encode(O::lane::<L>(K::decode(a[i]))))
}

#[inline(always)]
fn half2<L: Level, K: Small, O: Binary<D = K, A = K, B = K>>(a: &Lanes<K::Cell>, b: &Lanes<K::Cell>) -> Lanes<K::Cell> {
    lanes::<L, _>(|i| K::encode(O::lane::<L>(K::decode(a[i]), K::decode(b[i]))))
}

#[inline(always)]
fn half3<L: Level, K: Small, O: Ternary<D = K, A = K, B = K, C = K>>(
    a: &Lanes<K::Cell>,
    b: &Lanes<K::Cell>,
    c: &Lanes<K::Cell>,
) -> Lanes<K::Cell> {
    lanes::<L, _>(|i| K::encode(O::lane::<L>(K::decode(a[i]), K::decode(b[i]), K::decode(c[i]))))
}

impl<K: Small, O: Unary<D = K, A = K>> Run for Pair1<O> {
    const COMMON: bool = false;

    #[inline(always)]
    unsafe fn run<L: Level>(words: *mut u32, mask: u32, o: &Operands) {
        for (chunk, mask) in halves(mask) {
            // SAFETY: the caller's promise.
            unsafe {
                let [low, high] = load2::<K, L>(words, o.a, chunk);
                let d = [half1::<L, K, O>(&low), half1::<L, K, O>(&high)];
                store2::<K, L>(words, o.d, chunk, mask, d);
            }
        }
    }
}

impl<K: Small, O: Binary<D = K, A = K, B = K>> Run for Pair2<O> {
    const COMMON: bool = false;

    #[inline(always)]
    unsafe fn run<L: Level>(words: *mut u32, mask: u32, o: &Operands) {
        for (chunk, mask) in halves(mask) {
            // SAFETY: the caller's promise.
            unsafe {
                let (a, b) = (load2::<K, L>(words, o.a, chunk), load2::<K, L>(words, o.b, chunk));
                let d = [half2::<L, K, O>(&a[0], &b[0]), half2::<L, K, O>(&a[1], &b[1])];
                store2::<K, L>(words, o.d, chunk, mask, d);
            }
        }
    }
}

impl<K: Small, O: Ternary<D = K, A = K, B = K, C = K>> Run for Pair3<O> {
    const COMMON: bool = false;

    #[inline(always)]
    unsafe fn run<L: Level>(words: *mut u32, mask: u32, o: &Operands) {
        for (chunk, mask) in halves(mask) {
            // SAFETY: the caller's promise.
            unsafe {
                let (a, b) = (load2::<K, L>(words, o.a, chunk), load2::<K, L>(words, o.b, chunk));
                let c = load2::<K, L>(words, o.c, chunk);
                let d = [half3::<L, K, O>(&a[0], &b[0], &c[0]), half3::<L, K, O>(&a[1], &b[1], &c[1])];
                store2::<K, L>(words, o.d, chunk, mask, d);
            }
        }
    }
}

fn found(run: Alu, operands: usize) -> Option<Found> {
    let places = [Place::D, Place::A, Place::B, Place::C];
    Some(Found::new(run, places.into_iter().take(operands).map(slot::<U32>)))
}

/// `d, a`.
pub fn pair1<O>(isa: Isa) -> Option<Found>
where
    Pair1<O>: Run,
{
    found(best::<Pair1<O>>(isa), 2)
}

/// `d, a, b`.
pub fn pair2<O>(isa: Isa) -> Option<Found>
where
    Pair2<O>: Run,
{
    found(best::<Pair2<O>>(isa), 3)
}

/// `d, a, b, c`.
pub fn pair3<O>(isa: Isa) -> Option<Found>
where
    Pair3<O>: Run,
{
    found(best::<Pair3<O>>(isa), 4)
}

/// As [`pair1`], in one form for all processors.
pub fn pair1_plain<O>(_isa: Isa) -> Option<Found>
where
    Pair1<O>: Run,
{
    found(plain::<Pair1<O>>(), 2)
}

/// As [`pair2`], in one form for all processors.
pub fn pair2_plain<O>(_isa: Isa) -> Option<Found>
where
    Pair2<O>: Run,
{
    found(plain::<Pair2<O>>(), 3)
}

/// As [`pair3`], in one form for all processors.
pub fn pair3_plain<O>(_isa: Isa) -> Option<Found>
where
    Pair3<O>: Run,
{
    found(plain::<Pair3<O>>(), 4)
}
