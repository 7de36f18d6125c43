//! Loads and stores (ISA 9.7.9: `ld`, `ldu`, `st`).

use super::operands::name;
use super::{Decoder, Refusal};
use crate::code::{Action, Run};
use crate::lane::{LANES, Width};
use crate::run::access::{self, Transfer};
use crate::run::{Next, Step, lanes};
use crate::text::tree::{Kind, Operand, Space, Type};

/// The space that a modifier names.
pub(super) fn space(part: &str) -> Option<Space> {
    Some(match part {
        "global" => Space::Global,
        "const" => Space::Constant,
        "shared" | "shared::cta" => Space::Shared,
        "shared::cluster" => Space::Cluster,
        "local" => Space::Local,
        "param" | "param::entry" | "param::func" => Space::Param,
        _ => return None,
    })
}

/// Whether a modifier says nothing but how caches are used, or how strong an access is; and whether it is one of the latter.
pub(super) fn is_hint(part: &str) -> Option<bool> {
    let strong = matches!(part, "volatile" | "relaxed" | "acquire" | "release" | "acq_rel" | "mmio");
    let scope = matches!(part, "weak" | "cta" | "cluster" | "gpu" | "sys");
    let cache = matches!(part, "ca" | "cg" | "cs" | "lu" | "cv" | "wb" | "wt" | "nc" | "unified");
    let level = part.starts_with("L1::") || part.starts_with("L2::");
    (strong || scope || cache || level).then_some(strong)
}

impl Decoder<'_> {
    pub(super) fn transfer(&mut self, parts: &[&str], operands: &[Operand]) -> Result<Action, Refusal> {
        let loads = parts[0] != "st";
        let (mut at, mut count, mut of, mut strong) = (Space::Generic, 1, None, false);
        for part in &parts[1..] {
            if let Some(space) = space(part) {
                at = space;
            } else if let Some(is_strong) = is_hint(part) {
                strong |= is_strong;
            } else if let Some(number) = part.strip_prefix('v') {
                count = number.parse().ok().filter(|n| [2, 4, 8].contains(n)).ok_or("has no such vectors")?;
            } else {
                of = Some(Type::named(part).ok_or_else(|| format!("has the modifier '.{part}', which is not known"))?);
            }
        }
        let of = of.filter(|of| of.bytes > 0).ok_or("lacks a type")?;
        let (values, address) = match (operands, loads) {
            ([values, address, ..], true) | ([address, values, ..], false) => (values, address),
            _ => return Err("lacks operands".into()),
        };
        let values = self.vector(values);
        if values.len() != count {
            return Err(format!("has {} registers for {count} elements", values.len()));
        }
        let width = values.iter().find_map(|value| self.width_of(value)).unwrap_or(of.width());
        if width == Width::Predicate || width.words() < of.width().words() {
            return Err(format!("has a register of {} for {} bytes", name(width), of.bytes));
        }
        let mut registers = [0; 8];
        for (register, value) in registers.iter_mut().zip(values) {
            *register = if loads { self.destination(value, width)? } else { self.source(value, width)? };
        }
        let (bytes, signed) = (of.bytes as u8, of.kind == Kind::Signed);
        if at == Space::Param
            && let Some(offset) = self.in_frame(address)?
        {
            let moves = Passed { loads, offset, registers, count: count as u8, bytes, width, signed };
            return Ok(Action::Other(Box::new(moves)));
        }
        let reach = self.reach(address, at)?;
        let isa = self.around.isa;
        let run = if loads { access::load(isa, bytes, width) } else { access::store(isa, bytes, width) };
        let transfer = Transfer { run, reach, registers, count: count as u8, bytes, width, signed, strong };
        Ok(if loads { Action::Load(Box::new(transfer)) } else { Action::Store(Box::new(transfer)) })
    }

    /// Where a `.param` variable lies among those of the frame; None for a kernel's own parameters.
    fn in_frame(&self, address: &Operand) -> Result<Option<usize>, Refusal> {
        let Operand::Address(base, offset, _) = address else { return Err("lacks an address in brackets".into()) };
        match &**base {
            Operand::Symbol(number, more) => {
                if self.function.kernel && self.function.params.contains(number) {
                    return Ok(None);
                }
                let param = self.params.get(number).ok_or("has a parameter that the function does not have")?;
                let offset = usize::try_from(offset + more).ok().filter(|offset| *offset < param.bytes);
                offset.map(|offset| Some(param.offset + offset)).ok_or_else(|| "leaves its parameter".into())
            }
            _ if self.function.kernel => Ok(None),
            _ => Err("reads a device function's parameter by its address".into()),
        }
    }
}

/// `ld.param` and `st.param` of what functions are called with.
struct Passed {
    loads: bool,
    offset: usize,
    registers: [u32; 8],
    count: u8,
    bytes: u8,
    width: Width,
    signed: bool,
}

impl Run for Passed {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        let frame = step.warp.groups[step.group].frame;
        let each = usize::from(self.bytes);
        for lane in lanes(mask) {
            for (number, register) in self.registers[..usize::from(self.count)].iter().enumerate() {
                let params = &mut step.warp.frames[frame].params;
                let at = lane * (params.len() / LANES) + self.offset + number * each;
                let bytes = &mut params[at..at + each];
                // SAFETY: the decoder placed the registers.
                unsafe {
                    if self.loads {
                        let mut value = [0; 8];
                        value[..each.min(8)].copy_from_slice(&bytes[..each.min(8)]);
                        let value = u64::from_le_bytes(value);
                        let unused = 64 - 8 * each.min(8) as u32;
                        let extended = if self.signed { ((value << unused) as i64 >> unused) as u64 } else { value };
                        step.set(*register, self.width, lane, extended);
                    } else {
                        let value = step.get(*register, self.width, lane).to_le_bytes();
                        let params = &mut step.warp.frames[frame].params;
                        params[at..at + each.min(8)].copy_from_slice(&value[..each.min(8)]);
                    }
                }
            }
        }
        Next::On
    }
}
