//! Bulk copies and reductions of tensors (ISA 9.7.9.25.5: `cp.async.bulk.tensor`, `cp.reduce.async.bulk.tensor`).

use super::mbarrier::wrong;
use super::tensormap::map_bytes;
use super::whole::UNKNOWN;
use super::{Decoder, Refusal};
use crate::code::{Action, Run};
use crate::lane::Width;
use crate::run::flight::Done;
use crate::run::flight::work::{From, How, Piece, Work};
use crate::run::reach::Reach;
use crate::run::whole::tried;
use crate::run::{Kind, Next, Step, What, atomic, lanes};
use crate::tensor::map::{Data, Mode, Start, TensorMap, Unit};
use crate::text::tree::{Operand, Space};

impl Decoder<'_> {
    pub(super) fn tensors(&mut self, parts: &[&str], operands: &[Operand]) -> Result<Action, Refusal> {
        let hinted = parts.contains(&"L2::cache_hint");
        let plain: Vec<&str> = parts.iter().copied().filter(|part| *part != "L2::cache_hint").collect();
        let operands = match operands {
            [rest @ .., _policy] if hinted => rest,
            all => all,
        };
        let (does, rest) = match &plain[..] {
            ["cp", "async", "bulk", "tensor", rest @ ..] => (Does::Copy, rest),
            ["cp", "reduce", "async", "bulk", "tensor", dimensions, "global", "shared::cta", by, rest @ ..] => {
                let rest = [&[*dimensions, "global", "shared::cta"], rest].concat();
                return self.tensor_copy(Does::Reduce((*by).to_owned()), &rest, operands);
            }
            ["cp", "async", "bulk", "prefetch", "tensor", dimensions, "L2", "global", rest @ ..] => {
                let rest = [&[*dimensions, "global", "global"], rest].concat();
                return self.tensor_copy(Does::Prefetch, &rest, operands);
            }
            _ => return Err(UNKNOWN.into()),
        };
        self.tensor_copy(does, rest, operands)
    }

    fn tensor_copy(&mut self, does: Does, parts: &[&str], operands: &[Operand]) -> Result<Action, Refusal> {
        let [dimensions, to, from, rest @ ..] = parts else { return Err(UNKNOWN.into()) };
        let rank =
            dimensions.strip_suffix('d').and_then(|rank| rank.parse().ok()).filter(|rank| (1..=5).contains(rank));
        let rank: usize = rank.ok_or(UNKNOWN)?;
        let loads = *from == "global";
        let (pixels, rest) = match rest {
            ["tile", rest @ ..] => (false, rest),
            ["im2col", rest @ ..] if loads => (true, rest),
            ["im2col_no_offs", rest @ ..] if !loads => (true, rest),
            rest => (false, rest),
        };
        let multicast = rest == ["mbarrier::complete_tx::bytes", "multicast::cluster"];
        let (tensor, shared, told, rest) = match (*to, *from, rest, operands) {
            (to @ ("shared::cta" | "shared::cluster"), "global", ["mbarrier::complete_tx::bytes", ..], _)
                if matches!(does, Does::Copy) && rest.len() == 1 + usize::from(multicast) =>
            {
                let [shared, tensor, told, more @ ..] = operands else { return Err("lacks operands".into()) };
                let space = super::transfers::space(to).ok_or(UNKNOWN)?;
                (tensor, Some(self.reach(shared, space)?), Some(self.reach(told, space)?), more)
            }
            ("global", "shared::cta", ["bulk_group"], [tensor, shared]) => {
                (tensor, Some(self.reach(shared, Space::Shared)?), None, &[][..])
            }
            ("global", "global", [], [tensor, more @ ..]) => (tensor, None, None, more),
            _ => return Err(UNKNOWN.into()),
        };
        let (offsets, rest) = match rest {
            [Operand::Vector(offsets), rest @ ..] if pixels && loads => (&offsets[..], rest),
            rest => (&[][..], rest),
        };
        let blocks = match rest {
            [] if !multicast => None,
            [blocks] if multicast => Some(self.source(blocks, Width::B16)?),
            _ => return Err(UNKNOWN.into()),
        };
        let Operand::Address(_, _, coordinates) = tensor else { return Err("lacks a tensor in brackets".into()) };
        let [coordinates] = &coordinates[..] else { return Err("lacks coordinates".into()) };
        let coordinates = self.sources(coordinates, Width::B32)?;
        super::whole::fits("the coordinates", &coordinates, rank)?;
        let offsets = offsets.iter().map(|offset| self.source(offset, Width::B16)).collect::<Result<Vec<_>, _>>()?;
        if pixels && (rank < 3 || loads && offsets.len() != rank - 2) {
            return Err(format!("has {} im2col offsets for {rank} dimensions", offsets.len()));
        }
        self.out.has_proxies |= !loads;
        self.out.orders_blocks |= matches!(does, Does::Reduce(_));
        let map = self.reach(tensor, Space::Generic)?;
        let coordinates = coordinates.offsets;
        Ok(Action::Other(Box::new(Tensors {
            does,
            loads,
            rank,
            pixels,
            map,
            coordinates,
            offsets,
            shared,
            told,
            blocks,
        })))
    }
}

enum Does {
    Copy,
    /// By this operation, of the tensor's type.
    Reduce(String),
    Prefetch,
}

struct Tensors {
    does: Does,
    /// From global memory.
    loads: bool,
    rank: usize,
    pixels: bool,
    map: Reach,
    coordinates: Vec<u32>,
    offsets: Vec<u32>,
    shared: Option<Reach>,
    told: Option<Reach>,
    blocks: Option<u32>,
}

impl Run for Tensors {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        for lane in lanes(mask) {
            let map = tried!(self.map(step, lane));
            let start = self.start(step, lane);
            let mut units = Vec::new();
            // Of a prefetch only what is read counts.
            let (to, base) = match &self.shared {
                None => (0, 0),
                Some(reach) => {
                    let kind = if self.loads { Kind::Write } else { Kind::Read };
                    let bytes = map.rows().saturating_mul(map.pitch());
                    let pointer = tried!(step.bulk_place(reach, lane, bytes, kind));
                    (pointer, step.around.flight.within(pointer) as u32)
                }
            };
            if let Err(why) = map.units(&start, base, |unit| units.push(unit)) {
                return wrong(step, lane, format!("copies a part of a tensor, but {why}"));
            }
            let window = to - u64::from(base);
            let pieces = tried!(self.pieces(step, lane, &units, window));
            let how = match (&self.does, self.loads) {
                (Does::Prefetch, _) => continue,
                (Does::Copy, true) => How::Load(map.data),
                (Does::Copy, false) => How::Copy,
                (Does::Reduce(by), _) => match reduction(by, map.data) {
                    Some(operation) => How::Reduce(operation, map.data.size()),
                    None => return wrong(step, lane, format!("cannot do '{by}' with elements of type {:?}", map.data)),
                },
            };
            for (target, done) in tried!(step.targets(lane, to, map.bytes(), self.told.as_ref(), self.blocks)) {
                let there = pieces.iter().map(|piece| match matches!(done, Done::Bytes(..)) {
                    true => Piece { to: piece.to - to + target, ..*piece },
                    false => *piece,
                });
                let work = Work::new(there.collect(), how, map.fill());
                tried!(step.ask_apart(lane, work, done));
            }
        }
        Next::On
    }
}

impl Tensors {
    fn map(&self, step: &mut Step<'_, '_>, lane: usize) -> Result<TensorMap, Next> {
        let bytes = map_bytes(step, &self.map, lane, Kind::Read)?;
        // SAFETY: the pointer was checked.
        let map = TensorMap::decode(unsafe { &*(bytes as *const [u8; 128]) });
        let map = map.map_err(|why| wrong(step, lane, format!("copies a part of a tensor, but {why}")))?;
        let pixels = matches!(map.mode, Mode::Im2col { .. });
        if map.rank != self.rank || pixels != self.pixels {
            let kind = |pixels| if pixels { "im2col" } else { "tiled" };
            let what = format!(
                "copies a part of a tensor of {} dimensions, {}, with a map of {}, {}",
                self.rank,
                kind(self.pixels),
                map.rank,
                kind(pixels)
            );
            return Err(wrong(step, lane, what));
        }
        Ok(map)
    }

    fn start(&self, step: &Step<'_, '_>, lane: usize) -> Start {
        let mut start = Start { coordinates: [0; 5], offsets: [0; 3] };
        // SAFETY: the decoder placed the registers.
        unsafe {
            for (to, from) in start.coordinates.iter_mut().zip(&self.coordinates) {
                *to = step.get(*from, Width::B32, lane) as i32;
            }
            for (to, from) in start.offsets.iter_mut().zip(&self.offsets) {
                *to = step.get(*from, Width::B16, lane) as u16;
            }
        }
        start
    }

    /// What is copied from where to where, after all checks; shared memory begins at `window`.
    fn pieces(&self, step: &Step<'_, '_>, lane: usize, units: &[Unit], window: u64) -> Result<Vec<Piece>, Next> {
        let mut pieces: Vec<Piece> = Vec::with_capacity(units.len());
        let kind = match (&self.does, self.loads) {
            (Does::Reduce(_), _) => Kind::Atomic,
            (_, true) => Kind::Read,
            (_, false) => Kind::Write,
        };
        for unit in units {
            let (shared, bytes) = (window + u64::from(unit.shared), u32::from(unit.end - unit.first));
            let global = unit.global.wrapping_add(unit.first.into());
            if bytes > 0 {
                step.pointer(Space::Global, lane, global, bytes.into(), kind).map_err(|why| {
                    let bytes = bytes.into();
                    Next::Fault(
                        step.fault(lane, What::Access { kind, space: Space::Global, address: global, bytes, why }),
                    )
                })?;
            }
            if !self.loads {
                let from = From::Memory(shared + u64::from(unit.first));
                pieces.push(Piece { to: global, from, bytes });
                continue;
            }
            let fill = |first: u8, end: u8| {
                let (to, from) = (shared + u64::from(first), From::Fill(first));
                (end > first).then(|| Piece { to, from, bytes: (end - first).into() })
            };
            let taken = Piece { to: shared + u64::from(unit.first), from: From::Memory(global), bytes };
            pieces.extend(fill(0, unit.first));
            pieces.extend((bytes > 0).then_some(taken));
            pieces.extend(fill(unit.end, 16));
        }
        pieces.retain(|piece| piece.bytes > 0);
        Ok(pieces)
    }
}

/// The operation of `cp.reduce.async.bulk.tensor` for elements of a type.
fn reduction(by: &str, data: Data) -> Option<atomic::Operation> {
    let of = match (data, by) {
        (Data::U32 | Data::S32, "and" | "or" | "xor") => "b32",
        (Data::U64 | Data::S64, "and" | "or" | "xor") => "b64",
        (Data::U32, _) => "u32",
        (Data::S32, "add" | "min" | "max") => "s32",
        (Data::U64, "add" | "min" | "max") => "u64",
        (Data::S64, "add" | "min" | "max") => "s64",
        (Data::F16, "add" | "min" | "max") => "f16",
        (Data::Bf16, "add" | "min" | "max") => "bf16",
        (Data::F32 | Data::F32Ftz, "add") => "f32",
        (Data::F64, "add") => "f64",
        _ => return None,
    };
    atomic::operation(by, of).filter(|_| !matches!(by, "exch" | "cas"))
}
