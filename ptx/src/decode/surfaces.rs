//! Surfaces (ISA 9.7.11: `suld`, `sust`) by their handles.

use super::whole::UNKNOWN;
use super::{Decoder, Refusal, textures};
use crate::code::Action;
use crate::lane::Width;
use crate::run::surface::{Accessing, Outside};
use crate::text::tree::{Operand, Type};

impl Decoder<'_> {
    pub(super) fn surface(&mut self, parts: &[&str], operands: &[Operand]) -> Result<Action, Refusal> {
        let [does @ ("suld" | "sust"), "b", geometry, rest @ ..] = parts else { return Err(UNKNOWN.into()) };
        let stores = *does == "sust";
        let rest = match rest {
            ["ca" | "cg" | "cs" | "cv", rest @ ..] if !stores => rest,
            ["wb" | "cg" | "cs" | "wt", rest @ ..] if stores => rest,
            rest => rest,
        };
        let (count, rest) = match rest {
            ["v2", rest @ ..] => (2, rest),
            ["v4", rest @ ..] => (4, rest),
            rest => (1, rest),
        };
        let (of, outside) = match rest {
            [of] | [of, "trap"] => (*of, Outside::Trap),
            [of, "clamp"] => (*of, Outside::Clamp),
            [of, "zero"] => (*of, Outside::Zero),
            _ => return Err(UNKNOWN.into()),
        };
        let of = Type::named(of).filter(|_| matches!(of, "b8" | "b16" | "b32" | "b64")).ok_or(UNKNOWN)?;
        let geometry = textures::named(geometry).filter(|geometry| !geometry.is_cube()).ok_or(UNKNOWN)?;
        // Four of 64 bits are more than a texel can have.
        if count * of.bytes > 16 {
            return Err(UNKNOWN.into());
        }
        let (vector, place) = match operands {
            [place, vector] if stores => (vector, place),
            [vector, place] => (vector, place),
            _ => return Err("has two operands".into()),
        };
        let width: Width = of.width();
        let registers = if stores { self.sources(vector, width)? } else { self.results(vector, width)? };
        super::whole::fits("the surface", &registers, count as usize)?;
        let (handle, coordinates) = self.named_point(place)?;
        let (layer, coordinates) = textures::split(geometry, &coordinates)?;
        let (registers, each) = (registers.offsets, of.bytes);
        let access = Accessing { handle, geometry, layer, coordinates, outside, stores, registers, width, each };
        Ok(Action::Other(Box::new(access)))
    }
}
