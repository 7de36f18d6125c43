//! Asynchronous stores and reductions in another block's shared memory (ISA 9.7.9.12 `st.async`, 9.7.13.8 `red.async`).

use super::mbarrier::wrong;
use super::whole::UNKNOWN;
use super::{Decoder, Refusal};
use crate::code::{Action, Run};
use crate::lane::Width;
use crate::run::flight::work::{How, Work};
use crate::run::reach::Reach;
use crate::run::whole::tried;
use crate::run::{Kind, Next, Step, atomic};
use crate::text::tree::{Operand, Space, Type};

impl Decoder<'_> {
    pub(super) fn remote(&mut self, parts: &[&str], operands: &[Operand]) -> Result<Action, Refusal> {
        let said = ["weak", "relaxed", "cluster", "shared::cluster", "mbarrier::complete_tx::bytes"];
        let plain: Vec<&str> = parts[2..].iter().copied().filter(|part| !said.contains(part)).collect();
        let [at, values, told] = operands else { return Err("has three operands".into()) };
        let (name, count, how): (&str, usize, Option<&str>) = match (parts[0], &plain[..]) {
            ("st", [of @ ("b32" | "b64" | "u32" | "u64" | "s32" | "s64" | "f32" | "f64")]) => (of, 1, None),
            ("st", ["v2", of]) => (of, 2, None),
            ("st", ["v4", of]) => (of, 4, None),
            ("red", [by, of @ ("u32" | "s32" | "u64" | "b32" | "s64")]) => (of, 1, Some(by)),
            _ => return Err(UNKNOWN.into()),
        };
        let of = Type::named(name).filter(|of| matches!(of.bytes, 4 | 8)).ok_or(UNKNOWN)?;
        let how = match how {
            None => How::Copy,
            Some(by) => {
                let operation = atomic::operation(by, name).filter(|_| !matches!(by, "exch" | "cas"));
                How::Reduce(operation.ok_or(UNKNOWN)?, of.bytes)
            }
        };
        let values = self.sources(values, of.width())?;
        super::whole::fits("the elements", &values, count)?;
        let (to, told) = (self.reach(at, Space::Cluster)?, self.reach(told, Space::Cluster)?);
        let bytes = of.bytes;
        Ok(Action::Other(Box::new(Remote { to, told, values: values.offsets, width: of.width(), bytes, how })))
    }
}

struct Remote {
    to: Reach,
    told: Reach,
    values: Vec<u32>,
    width: Width,
    /// Of each element.
    bytes: u32,
    how: How,
}

impl Run for Remote {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        let bytes = self.bytes * self.values.len() as u32;
        for lane in step.launch.order.lanes(mask) {
            let to = tried!(step.bulk_place(&self.to, lane, bytes, Kind::Write));
            if to % u64::from(bytes) != 0 {
                return wrong(
                    step,
                    lane,
                    format!("stores {bytes} bytes asynchronously at {to:#x}, not a multiple of that"),
                );
            }
            let each = self.values.iter().flat_map(|value| {
                // SAFETY: the decoder placed the registers.
                let value = unsafe { step.get(*value, self.width, lane) };
                value.to_le_bytes().into_iter().take(self.bytes as usize)
            });
            let work = Work::known(to, &each.collect::<Vec<u8>>(), self.how);
            for (_, done) in tried!(step.targets(lane, to, bytes, Some(&self.told), None)) {
                tried!(step.ask_apart(lane, work.clone(), done));
            }
        }
        Next::On
    }
}
