//! Changes of tensor maps (ISA 9.7.9.26: `tensormap.replace`; 9.7.13.6: `tensormap.cp_fenceproxy`).

use super::mbarrier::wrong;
use super::whole::{UNKNOWN, whole};
use super::{Decoder, Refusal};
use crate::code::{Action, Run};
use crate::lane::Width;
use crate::run::reach::Reach;
use crate::run::whole::tried;
use crate::run::{Kind, Next, Step, What, lanes};
use crate::tensor::map::{Field, replace};
use crate::text::tree::{Operand, Space};

impl Decoder<'_> {
    pub(super) fn tensormap(&mut self, parts: &[&str], operands: &[Operand]) -> Result<Action, Refusal> {
        if let [
            "tensormap",
            "cp_fenceproxy",
            "global",
            "shared::cta",
            "tensormap::generic",
            how @ ..,
            "sync",
            "aligned",
        ] = parts
        {
            let known = matches!(how, ["release", "cta" | "cluster" | "gpu" | "sys"]);
            let [to, from, Operand::Integer(128)] = operands else { return Err(UNKNOWN.into()) };
            if !known {
                return Err(UNKNOWN.into());
            }
            let (to, from) = (self.reach(to, Space::Global)?, self.reach(from, Space::Shared)?);
            return Ok(whole(Box::new(Publish { to, from })));
        }
        let space = parts.iter().find_map(|part| super::transfers::space(part)).unwrap_or(Space::Generic);
        let field = Field::find(parts).ok_or(UNKNOWN)?;
        let (at, ordinal, value) = match operands {
            [at, Operand::Integer(ordinal), value] if field.has_ordinal() => (at, *ordinal as u32, value),
            [at, value] if !field.has_ordinal() => (at, 0, value),
            _ => return Err(UNKNOWN.into()),
        };
        let width = if parts.last() == Some(&"b64") { Width::B64 } else { Width::B32 };
        let (at, value) = (self.reach(at, space)?, self.source(value, width)?);
        Ok(Action::Other(Box::new(Replace { at, field, ordinal, value, width })))
    }
}

/// The pointer to a map's 128 bytes.
pub(super) fn map_bytes(step: &Step<'_, '_>, at: &Reach, lane: usize, kind: Kind) -> Result<u64, Next> {
    // SAFETY: the decoder placed the register.
    let address = unsafe { at.addresses(step.words)[lane] };
    let placed = match address % 64 {
        0 => step.pointer(at.space, lane, address, 128, kind),
        _ => Err("where no tensor map can be: they are aligned to 64 bytes"),
    };
    placed
        .map_err(|why| Next::Fault(step.fault(lane, What::Access { kind, space: at.space, address, bytes: 128, why })))
}

/// `tensormap.replace`.
struct Replace {
    at: Reach,
    field: Field,
    ordinal: u32,
    value: u32,
    width: Width,
}

impl Run for Replace {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        for lane in lanes(mask) {
            let bytes = tried!(map_bytes(step, &self.at, lane, Kind::Write));
            // SAFETY: the decoder placed the register; the pointer was checked.
            let done = unsafe {
                let value = step.get(self.value, self.width, lane);
                replace(&mut *(bytes as *mut [u8; 128]), self.field, self.ordinal, value)
            };
            if let Err(why) = done {
                return wrong(step, lane, why);
            }
        }
        Next::On
    }
}

/// `tensormap.cp_fenceproxy`: the warp copies a map to global memory, where others find it.
struct Publish {
    to: Reach,
    from: Reach,
}

impl Run for Publish {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        tried!(step.whole(mask));
        let to = tried!(map_bytes(step, &self.to, 0, Kind::Write));
        let from = tried!(map_bytes(step, &self.from, 0, Kind::Read));
        // SAFETY: both pointers were checked.
        unsafe { *(to as *mut [u8; 128]) = *(from as *const [u8; 128]) };
        Next::On
    }
}
