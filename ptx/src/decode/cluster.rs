//! Blocks of a cluster: where addresses of other blocks are (`mapa`, `getctarank`, ISA 9.7.9.23), and the cluster's barrier.

use super::{Decoder, Refusal};
use crate::code::{Action, Run};
use crate::lane::Width;
use crate::run::meeting::{Arrive, Wait};
use crate::run::{Next, Step, What, lanes};
use crate::text::tree::Operand;

impl Decoder<'_> {
    pub(super) fn cluster(&mut self, parts: &[&str], operands: &[Operand]) -> Result<Action, Refusal> {
        let (shared, rest) = match parts {
            [name, "shared::cluster", rest @ ..] => (true, [&[*name], rest].concat()),
            parts => (false, parts.to_vec()),
        };
        let run: Box<dyn Run> = match (&rest[..], operands) {
            (["barrier", "cluster", "arrive", rest @ ..], []) if hints(rest, &["release", "relaxed"]) => {
                Box::new(Arrive { relaxed: rest.contains(&"relaxed") })
            }
            (["barrier", "cluster", "wait", rest @ ..], []) if hints(rest, &["acquire"]) => Box::new(Wait),
            (["mapa", of @ ("u32" | "u64")], [to, address, rank]) => {
                let width = if *of == "u32" { Width::B32 } else { Width::B64 };
                let (to, address) = (self.destination(to, width)?, self.source(address, width)?);
                Box::new(Map { shared, width, to, address, rank: self.source(rank, Width::B32)? })
            }
            (["getctarank", of @ ("u32" | "u64")], [to, address]) => {
                let width = if *of == "u32" { Width::B32 } else { Width::B64 };
                Box::new(Rank {
                    shared,
                    width,
                    to: self.destination(to, Width::B32)?,
                    address: self.source(address, width)?,
                })
            }
            _ => return Err(super::whole::UNKNOWN.into()),
        };
        Ok(Action::Other(run))
    }
}

/// Whether nothing but these, and `.aligned`, is written.
fn hints(parts: &[&str], known: &[&str]) -> bool {
    parts.iter().all(|part| *part == "aligned" || known.contains(part))
}

/// `mapa`: the same place in the shared memory of another block.
struct Map {
    /// Whether addresses are those of `.shared::cluster` space, or generic.
    shared: bool,
    width: Width,
    to: u32,
    address: u32,
    rank: u32,
}

impl Run for Map {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        for lane in lanes(mask) {
            // SAFETY: the decoder placed the registers.
            unsafe {
                let (address, rank) = (step.get(self.address, self.width, lane), step.get(self.rank, Width::B32, lane));
                let pointer = if self.shared { step.generic_of_cluster(address) } else { address };
                if !step.around.flight.is_shared(pointer) || rank as usize >= step.around.flight.exited.len() {
                    let what = format!("maps address {address:#x} to block {rank} of its cluster, which there is not");
                    return Next::Fault(step.fault(lane, What::Other(what)));
                }
                let mapped = step.around.flight.same_place(pointer, rank as usize);
                let mapped = if self.shared { step.cluster_address(mapped) } else { mapped };
                step.set(self.to, self.width, lane, mapped);
            }
        }
        Next::On
    }
}

/// `getctarank`: whose shared memory an address is in.
struct Rank {
    shared: bool,
    width: Width,
    to: u32,
    address: u32,
}

impl Run for Rank {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        for lane in lanes(mask) {
            // SAFETY: the decoder placed the registers.
            unsafe {
                let address = step.get(self.address, self.width, lane);
                let pointer = if self.shared { step.generic_of_cluster(address) } else { address };
                if !step.around.flight.is_shared(pointer) {
                    let what = format!("asks whose shared memory address {address:#x} is in, which is in nobody's");
                    return Next::Fault(step.fault(lane, What::Other(what)));
                }
                let rank = step.around.flight.rank(pointer) as u64;
                step.set(self.to, Width::B32, lane, rank);
            }
        }
        Next::On
    }
}
