//! Runs instructions on many vectors and compares every lane with what a reference says.

use super::exact::Format;
use super::random::Random;
use super::warp::{Warp, levels, named};
use warptape_ptx::alu::{Found, find};
use warptape_ptx::lane::{Isa, LANES, Place, Slot};

/// What an operand is.
#[derive(Clone, Copy, Debug)]
pub enum Operand {
    Integer(u32),
    Float(Format),
    /// Two in a register.
    Pair(Format),
    /// As many bits as a predicate has.
    Bit,
    /// Up to this number, as places and lengths are.
    Small(u64),
    /// From the negative of this number up to it, in 32 bits.
    Around(u64),
    /// This number, as immediates are.
    Exactly(u64),
}

/// Vectors that each group of instructions is tried on: `PTX_VECTORS`, or enough for the suite.
pub fn vectors() -> usize {
    std::env::var("PTX_VECTORS").map_or(50_000, |count| count.parse().expect("PTX_VECTORS is a number"))
}

fn draw(random: &mut Random, operand: Operand, about: u64) -> u64 {
    match operand {
        Operand::Integer(bits) => random.integer(bits),
        Operand::Float(format) => random.float(format, about),
        Operand::Pair(format) => {
            let half = format.bits();
            random.float(format, about) | random.float(format, about >> half) << half
        }
        Operand::Bit => random.next() & 1,
        Operand::Small(most) => random.below(most + 1),
        Operand::Around(most) => random.below(2 * most + 1).wrapping_sub(most) as u32 as u64,
        Operand::Exactly(value) => value,
    }
}

/// [`check_on`] with [`vectors`].
pub fn check(names: &[String], operands: impl Fn(&str) -> Vec<Operand>, reference: impl Fn(&str, &[u64]) -> Vec<u64>) {
    check_on(vectors(), names, operands, reference)
}

/// [`check`] of instructions with so many operands, where that makes a difference.
pub fn check_operands(
    count: usize,
    names: &[String],
    operands: impl Fn(&str) -> Vec<Operand>,
    reference: impl Fn(&str, &[u64]) -> Vec<u64>,
) {
    let with = |isa, name: &str| find(isa, &name.split('.').collect::<Vec<_>>(), count, false);
    check_found(vectors(), with, names, operands, reference)
}

/// [`check`] of instructions whose first operand is `d|p`.
pub fn check_pairs(
    names: &[String],
    operands: impl Fn(&str) -> Vec<Operand>,
    reference: impl Fn(&str, &[u64]) -> Vec<u64>,
) {
    let with =
        |isa, name: &str| (1..=7).find_map(|operands| find(isa, &name.split('.').collect::<Vec<_>>(), operands, true));
    check_found(vectors(), with, names, operands, reference)
}

/// Tries each of `names` on its share of so many vectors. `reference` gives from an instruction's name and sources, in the order of its
/// slots, what it writes: `d`, `p`, the carry flag. Sources but the carry flag are as `operands` says.
pub fn check_on(
    total: usize,
    names: &[String],
    operands: impl Fn(&str) -> Vec<Operand>,
    reference: impl Fn(&str, &[u64]) -> Vec<u64>,
) {
    check_found(total, |isa, name| named(isa, name).map(|(found, _)| found), names, operands, reference)
}

fn check_found(
    total: usize,
    instruction: impl Fn(Isa, &str) -> Option<Found>,
    names: &[String],
    operands: impl Fn(&str) -> Vec<Operand>,
    reference: impl Fn(&str, &[u64]) -> Vec<u64>,
) {
    let fits = |name: &str, sources: &[u64], got: &[u64]| {
        let want = reference(name, sources);
        if want == got { None } else { Some(format!("not {want:x?}")) }
    };
    compare(total, instruction, names, operands, fits)
}

/// [`check`] of instructions that `within` says of, from their sources and what they wrote, whether that is close enough. All levels
/// must write the same.
pub fn check_bounds(
    names: &[String],
    operands: impl Fn(&str) -> Vec<Operand>,
    within: impl Fn(&str, &[u64], &[u64]) -> bool,
) {
    let fits = |name: &str, sources: &[u64], got: &[u64]| {
        if within(name, sources, got) { None } else { Some("too far away".to_string()) }
    };
    compare(vectors(), |isa, name| named(isa, name).map(|(found, _)| found), names, operands, fits)
}

/// Runs each instruction at each level; `objection` is what is wrong with what it wrote, if anything.
fn compare(
    total: usize,
    instruction: impl Fn(Isa, &str) -> Option<Found>,
    names: &[String],
    operands: impl Fn(&str) -> Vec<Operand>,
    objection: impl Fn(&str, &[u64], &[u64]) -> Option<String>,
) {
    let share = total.div_ceil(names.len()).div_ceil(LANES).max(2);
    for (at, name) in names.iter().enumerate() {
        let mut random = Random::new(at as u64 * 0x1234_5678_9abc + 1);
        let mut warps: Vec<Warp> = levels()
            .into_iter()
            .map(|isa| Warp::new(isa, instruction(isa, name).unwrap_or_else(|| panic!("there is no {name}"))))
            .collect();
        let slots: Vec<Slot> = warps[0].found.slots.clone();
        let sources = warps[0].sources();
        let mut kinds = operands(name);
        if slots.iter().any(|slot| slot.place == Place::Carry) {
            kinds.push(Operand::Bit);
        }
        assert_eq!(kinds.len(), sources.len(), "sources of {name}");
        let written: Vec<usize> =
            (0..slots.len()).filter(|&at| matches!(slots[at].place, Place::D | Place::P | Place::Carry)).collect();
        for _ in 0..share {
            let mask = if random.next() & 1 == 0 { u32::MAX } else { random.next() as u32 };
            let lanes: Vec<Vec<u64>> = (0..LANES)
                .map(|_| {
                    let mut about = random.next();
                    kinds
                        .iter()
                        .map(|&kind| {
                            let value = draw(&mut random, kind, about);
                            about = value;
                            value
                        })
                        .collect()
                })
                .collect();
            let mut first: Vec<Option<Vec<u64>>> = vec![None; LANES];
            for warp in &mut warps {
                for (lane, values) in lanes.iter().enumerate() {
                    for (&at, &value) in sources.iter().zip(values) {
                        warp.set(at, lane, value);
                    }
                }
                let before: Vec<Vec<u64>> =
                    (0..LANES).map(|lane| written.iter().map(|&at| warp.get(at, lane)).collect()).collect();
                warp.run(mask);
                for lane in 0..LANES {
                    let got: Vec<u64> = written.iter().map(|&at| warp.get(at, lane)).collect();
                    let wrong = if mask >> lane & 1 == 0 {
                        (got != before[lane]).then(|| "not left alone".to_string())
                    } else if let Some(first) = &first[lane] {
                        (got != *first).then(|| format!("not the {first:x?} of another level"))
                    } else {
                        first[lane] = Some(got.clone());
                        objection(name, &lanes[lane], &got)
                    };
                    if let Some(wrong) = wrong {
                        panic!("{name} of {:x?} is {got:x?}, {wrong} (lane {lane}, {:?})", lanes[lane], warp.isa);
                    }
                }
            }
        }
    }
}

/// All names that come of one choice for each place between dots; an empty one is left out.
pub fn names(choices: &[&[&str]]) -> Vec<String> {
    let mut all = vec![String::new()];
    for choice in choices {
        let longer = |name: &String, part: &&str| match (name.is_empty(), part.is_empty()) {
            (_, true) => name.clone(),
            (true, false) => part.to_string(),
            (false, false) => format!("{name}.{part}"),
        };
        all = all.iter().flat_map(|name| choice.iter().map(move |part| longer(name, part))).collect();
    }
    all
}

/// Whether `part` is one of the parts of `name`.
pub fn has(name: &str, part: &str) -> bool {
    name.split('.').any(|known| known == part)
}

/// The rounding mode in `name`, to nearest if there is none.
pub fn mode(name: &str) -> &str {
    name.split('.').find(|part| matches!(*part, "rn" | "rz" | "rm" | "rp" | "rna")).unwrap_or("rn")
}
