//! From what the checker saw to what a person reads: names, elements, source lines.

use std::collections::{HashMap, HashSet};

use super::mark::Mark;
use super::{Checker, Ended, Fault, Finding, Kind, Launch, Rule, Seen, Side, What};
use crate::device::Arg;
use crate::device::observed::Line;
use crate::device::observed::regions::{Region, Regions};
use crate::device::observed::variable::Variable;
use crate::device::signature::{self, Signature};

impl Checker {
    /// Makes findings of what was seen in a launch that is over.
    ///
    /// # Errors
    /// The findings, if nobody collects them; tables of lines that cannot be read.
    pub(super) fn report(&mut self, launch: &Launch<'_>, ended: Option<Ended>) -> Result<(), String> {
        let mut seen: Vec<Seen> = self.seen.drain().map(|(_, seen)| seen).collect();
        seen.sort_by_key(|seen| seen.number);
        // What was read too early was not written yet: one mistake, not two.
        let sides = |seen: &Seen| [Some(seen.access.code), seen.there.map(|there| there.mark.code)];
        let races = seen.iter().filter(|seen| seen.what == What::Race);
        let racing: HashSet<u32> = races.flat_map(sides).flatten().collect();
        seen.retain(|seen| seen.what != What::Uninitialized || !racing.contains(&seen.access.code));
        if seen.is_empty() && ended.is_none() {
            return Ok(());
        }
        let places = || seen.iter().flat_map(sides).flatten();
        let report = Report::new(launch, &self.memory.regions, launch.code.lines(&mut places())?);
        let mut found: Vec<Finding> = seen.iter().map(|seen| report.finding(seen)).collect();
        if let Some(Ended::Faulty(block, fault)) = ended {
            found.push(report.fault(block, fault));
        }
        let Some(list) = &self.findings else {
            let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
            return Err(lines.join("\n"));
        };
        list.add(found);
        Ok(())
    }
}

/// Makes findings of one launch.
struct Report<'a> {
    launch: &'a Launch<'a>,
    regions: &'a Regions,
    /// By place in the code.
    lines: HashMap<u32, Vec<Line>>,
    signature: Option<Signature>,
}

impl<'a> Report<'a> {
    fn new(launch: &'a Launch<'a>, regions: &'a Regions, lines: HashMap<u32, Vec<Line>>) -> Self {
        // Without one buffers have no names: the source may do what the parser of parameters does not know.
        let signature = Signature::of(launch.code.source(), launch.function.kernel()).ok();
        Self { launch, regions, lines, signature }
    }

    fn finding(&self, seen: &Seen) -> Finding {
        let Seen { what, place, access, here, there, times, .. } = seen;
        let (name, element) = self.name(place.region, access.address, access.bytes);
        let shared = matches!(place.region, Region::Shared(_) | Region::Other(..));
        let item = match &name {
            Some(name) => {
                format!("{}{name}[{}]", if shared { "shared " } else { "" }, place.offset.div_euclid(element))
            }
            None => format!("address {:#x}", access.address),
        };
        let size = self.regions.bytes(place.region);
        let detail = match what {
            What::Race if shared => format!("{item}, without a barrier between"),
            What::Race => format!("{item}, with nothing that orders the two"),
            What::OutOfBounds if name.is_none() => format!("{item} is in no buffer"),
            What::OutOfBounds => {
                let count = size as i64 / element;
                let from = place.offset.div_euclid(element);
                let last = (place.offset + access.bytes as i64 - 1).div_euclid(element);
                if from < 0 {
                    format!("{item} is before the first of {count} elements")
                } else if from < count {
                    format!("{item} to [{last}] goes beyond the last of {count} elements")
                } else {
                    format!("{item} is beyond the last of {count} elements")
                }
            }
            What::Uninitialized => format!("{item}, which nothing wrote"),
            What::Misaligned => {
                format!("{item} is not at a multiple of {} bytes, as an access of {0} bytes needs", access.bytes)
            }
            _ => item,
        };
        Finding {
            what: *what,
            kernel: self.launch.function.kernel().into(),
            shown: self.launch.function.to_string(),
            file: self.launch.code.source().file.clone(),
            name,
            detail,
            at: Vec::new(),
            here: Some(self.side(here, access.kind)),
            there: there.map(|there| self.side(&there.mark, there.kind)),
            times: *times,
        }
    }

    fn fault(&self, block: [u32; 3], fault: Fault) -> Finding {
        let what = match fault.rule {
            Rule::Barrier => What::Barrier,
            Rule::Lanes => What::Lanes,
            Rule::Spin => What::Spin,
            Rule::Bounds => What::OutOfBounds,
            Rule::Other => What::Stopped,
        };
        let [x, y, z] = block;
        Finding {
            what,
            kernel: self.launch.function.kernel().into(),
            shown: self.launch.function.to_string(),
            file: self.launch.code.source().file.clone(),
            name: fault.name,
            detail: format!("block ({x}, {y}, {z}): {}", fault.what),
            at: fault.at,
            here: None,
            there: None,
            times: 1,
        }
    }

    /// A region's name, and the bytes of its elements.
    fn name(&self, region: Region, address: u64, bytes: u64) -> (Option<String>, i64) {
        let by_access = bytes.min(4) as i64;
        match region {
            Region::Shared(number) | Region::Other(_, number) => {
                (Some(self.regions.shared[number].name.clone()), by_access)
            }
            Region::Nothing => (None, 1),
            Region::Buffer(start) => {
                let end = start + self.regions.bytes(region);
                let global = self.launch.code.globals().into_iter().find(|variable| variable.range.start == start);
                if let Some(Variable { name, .. }) = global {
                    return (Some(name), by_access);
                }
                let parameters = self.signature.iter().flat_map(|signature| &signature.parameters);
                // Of several pointers into the buffer, the nearest below.
                let pointers = self.launch.args.iter().zip(parameters).filter_map(|(arg, parameter)| match *arg {
                    Arg::Ptr(to) | Arg::U64(to) | Arg::Tensor { address: to, .. }
                        if (start..end.max(start + 1)).contains(&to) =>
                    {
                        Some((to, parameter))
                    }
                    _ => None,
                });
                let nearest = pointers.min_by_key(|(to, _)| (*to > address, address.abs_diff(*to)));
                let Some((_, parameter)) = nearest else {
                    return (Some(format!("a buffer of {} bytes ", end - start)), by_access);
                };
                let element = match parameter.kind {
                    signature::Kind::Pointer { to: Some((element, _)), .. } => element.bytes() as i64,
                    _ => by_access,
                };
                (Some(parameter.name.clone()), element)
            }
        }
    }

    fn side(&self, mark: &Mark, kind: Kind) -> Side {
        let position = |number: usize, [x, y, _]: [u32; 3]| {
            let [x, y] = [x as usize, y as usize];
            [(number % x) as u32, (number / x % y) as u32, (number / x / y) as u32]
        };
        Side {
            lines: self.lines.get(&mark.code).cloned().unwrap_or_default(),
            does: match kind {
                Kind::Read => "reads",
                Kind::Write => "writes",
                Kind::Atomic => "updates",
            },
            block: position(mark.block as usize, self.launch.geometry.grid),
            thread: position(mark.thread(), self.launch.geometry.block),
        }
    }
}
