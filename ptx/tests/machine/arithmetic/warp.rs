//! A warp's registers for one instruction.

use warptape_ptx::alu::{Found, find};
use warptape_ptx::lane::{Isa, LANES, Operands, Place, Slot, Width};

/// Registers, aligned as the machine has them.
#[repr(align(64))]
struct Registers([u32; 16 * 64]);

/// The levels that this processor can run.
pub fn levels() -> Vec<Isa> {
    match Isa::detect() {
        Isa::Base => vec![Isa::Base],
        Isa::Avx2 => vec![Isa::Base, Isa::Avx2],
        Isa::Avx512 => vec![Isa::Base, Isa::Avx2, Isa::Avx512],
    }
}

/// The instruction `name`, with as many operands as it turns out to have.
pub fn named(isa: Isa, name: &str) -> Option<(Found, bool)> {
    let parts: Vec<&str> = name.split('.').collect();
    (1..=7).find_map(|operands| {
        [false, true].into_iter().find_map(|pair| find(isa, &parts, operands, pair).map(|found| (found, pair)))
    })
}

/// One instruction and registers for it.
pub struct Warp {
    pub found: Found,
    pub isa: Isa,
    operands: Operands,
    registers: Box<Registers>,
}

impl Warp {
    /// For an instruction that was found. Each operand has 128 words of its own.
    pub fn new(isa: Isa, found: Found) -> Self {
        let mut operands = Operands { control: found.control, ..Operands::default() };
        for (at, slot) in found.slots.iter().enumerate() {
            *field(&mut operands, slot.place) = 128 * at as u32;
        }
        Warp { found, isa, operands, registers: Box::new(Registers([0; 16 * 64])) }
    }

    /// For `name`, which there must be.
    pub fn of(isa: Isa, name: &str) -> Self {
        Warp::new(isa, named(isa, name).unwrap_or_else(|| panic!("there is no {name}")).0)
    }

    /// Makes the operand `at` lie where the operand `with` does.
    pub fn share(&mut self, at: usize, with: usize) {
        let place = *field(&mut self.operands, self.found.slots[with].place);
        *field(&mut self.operands, self.found.slots[at].place) = place;
    }

    /// Operands that are read: all that are neither `d` nor `p`; the carry flag is one.
    pub fn sources(&self) -> Vec<usize> {
        let written = |slot: &Slot| matches!(slot.place, Place::D | Place::P);
        (0..self.found.slots.len()).filter(|&at| !written(&self.found.slots[at])).collect()
    }

    /// Writes a lane of an operand.
    pub fn set(&mut self, at: usize, lane: usize, value: u64) {
        let slot = self.found.slots[at];
        let offset = *field(&mut self.operands, slot.place) as usize;
        let words = &mut self.registers.0[offset..];
        match slot.width {
            Width::Predicate => words[0] = words[0] & !(1 << lane) | (value as u32 & 1) << lane,
            Width::B16 => words[lane] = value as u16 as u32,
            Width::B32 => words[lane] = value as u32,
            Width::B64 => {
                words[2 * lane] = value as u32;
                words[2 * lane + 1] = (value >> 32) as u32;
            }
            Width::B128 => panic!("no instruction here has such an operand"),
        }
    }

    /// A lane of an operand. What lies above 16 bits is part of it, as it must be zero.
    pub fn get(&mut self, at: usize, lane: usize) -> u64 {
        let slot = self.found.slots[at];
        let offset = *field(&mut self.operands, slot.place) as usize;
        let words = &self.registers.0[offset..];
        match slot.width {
            Width::Predicate => (words[0] >> lane & 1) as u64,
            Width::B16 | Width::B32 => words[lane] as u64,
            Width::B64 => words[2 * lane] as u64 | (words[2 * lane + 1] as u64) << 32,
            Width::B128 => panic!("no instruction here has such an operand"),
        }
    }

    /// Runs the instruction for the lanes of `mask`.
    pub fn run(&mut self, mask: u32) {
        // SAFETY: operands lie apart, or are the same, in registers that are aligned and long enough.
        unsafe { (self.found.run)(self.registers.0.as_mut_ptr(), mask, &self.operands) }
    }
}

fn field(operands: &mut Operands, place: Place) -> &mut u32 {
    match place {
        Place::D => &mut operands.d,
        Place::P | Place::Carry => &mut operands.p,
        Place::A => &mut operands.a,
        Place::B => &mut operands.b,
        Place::C => &mut operands.c,
        Place::E => &mut operands.e,
        Place::F => &mut operands.f,
    }
}

/// What instruction `name` makes of one lane's sources, the same at every level and in every lane.
pub fn lane(name: &str, sources: &[u64]) -> Vec<u64> {
    let mut results = Vec::new();
    for isa in levels() {
        let mut warp = Warp::of(isa, name);
        let places = warp.sources();
        assert_eq!(places.len(), sources.len(), "{name} has {} sources", places.len());
        for lane in 0..LANES {
            for (&place, &value) in places.iter().zip(sources) {
                warp.set(place, lane, value);
            }
        }
        warp.run(u32::MAX);
        let written: Vec<usize> = (0..warp.found.slots.len()).filter(|at| !places.contains(at)).collect();
        let carry = warp.found.slots.iter().position(|slot| slot.place == Place::Carry);
        for lane in 0..LANES {
            results.push(written.iter().copied().chain(carry).map(|at| warp.get(at, lane)).collect::<Vec<_>>());
        }
    }
    assert!(
        results.iter().all(|result| *result == results[0]),
        "{name} of {sources:x?} depends on lane or level: {results:x?}"
    );
    results.remove(0)
}
