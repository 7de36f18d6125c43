//! Textures (ISA 9.7.10: `tex`, `tld4`, `txq`) by their handles, and `suq`.

use super::whole::UNKNOWN;
use super::{Decoder, Refusal};
use crate::code::Action;
use crate::lane::Width;
use crate::run::texture::{Asking, Levels, Query, Reading};
use crate::text::tree::Operand;
use crate::texture::Geometry;

impl Decoder<'_> {
    pub(super) fn texture(&mut self, parts: &[&str], operands: &[Operand]) -> Result<Action, Refusal> {
        let (channel, mip, geometry, to, of) = match parts {
            ["tld4", channel, geometry, "v4", to, "f32"] => {
                let channel = ["r", "g", "b", "a"].iter().position(|name| name == channel).ok_or(UNKNOWN)?;
                (Some(channel), "base", *geometry, *to, "f32")
            }
            ["tex", mip @ ("base" | "level" | "grad"), geometry, "v4", to, of] => (None, *mip, *geometry, *to, *of),
            ["tex", geometry, "v4", to, of] => (None, "base", *geometry, *to, *of),
            _ => return Err(UNKNOWN.into()),
        };
        let geometry = named(geometry).ok_or(UNKNOWN)?;
        let integers = of == "s32";
        let known = matches!(to, "f32" | "s32" | "u32") && matches!(of, "f32" | "s32");
        let flat = channel.is_some() && geometry.axes() != 2;
        if !known || flat || integers && (geometry.is_cube() || mip != "base") || mip == "grad" && geometry.is_cube() {
            return Err(UNKNOWN.into());
        }
        let [result, texture, rest @ ..] = operands else { return Err("lacks operands".into()) };
        let (vector, resident) = match result {
            Operand::Pair(vector, predicate) => (&**vector, Some(self.destination(predicate, Width::Predicate)?)),
            vector => (vector, None),
        };
        let to_registers = self.results(vector, Width::B32)?;
        super::whole::fits("the texel", &to_registers, 4)?;
        let (handle, coordinates) = self.named_point(texture)?;
        let (layer, coordinates) = split(geometry, &coordinates)?;
        let (level, rest) = match (mip, rest) {
            ("level", [level, rest @ ..]) => (Levels::Level(self.source(level, Width::B32)?), rest),
            ("grad", [right, down, rest @ ..]) => {
                let [right, down] = [self.sources(right, Width::B32)?, self.sources(down, Width::B32)?];
                let count = if geometry == Geometry::Solid { 4 } else { geometry.axes() };
                super::whole::fits("a gradient", &right, count)?;
                super::whole::fits("a gradient", &down, count)?;
                (Levels::Gradients(right.offsets, down.offsets), rest)
            }
            ("base", rest) => (Levels::Base, rest),
            _ => return Err("lacks operands".into()),
        };
        // A scalar here would be what depths are compared with.
        let offsets = match rest {
            [] => Vec::new(),
            [offsets @ Operand::Vector(_)] if !geometry.is_cube() => self.sources(offsets, Width::B32)?.offsets,
            _ => return Err(UNKNOWN.into()),
        };
        Ok(Action::Other(Box::new(Reading {
            handle,
            geometry,
            integers,
            layer,
            coordinates,
            offsets,
            level,
            channel,
            floats: to == "f32",
            to: to_registers.offsets,
            resident,
        })))
    }

    pub(super) fn query(&mut self, parts: &[&str], operands: &[Operand]) -> Result<Action, Refusal> {
        let (surface, of_level, query) = match parts {
            ["txq", "level", query, "b32"] => (false, true, *query),
            [of @ ("txq" | "suq"), query, "b32"] => (*of == "suq", false, *query),
            _ => return Err(UNKNOWN.into()),
        };
        let query = match (query, surface) {
            ("width", _) => Query::Size(0),
            ("height", _) => Query::Size(1),
            ("depth", _) => Query::Size(2),
            ("array_size", _) if !of_level => Query::Layers,
            ("num_mipmap_levels", false) if !of_level => Query::Levels,
            ("normalized_coords", false) if !of_level => Query::Normalized,
            ("filter_mode", false) if !of_level => Query::Linear,
            ("addr_mode_0", false) if !of_level => Query::Addressing(0),
            ("addr_mode_1", false) if !of_level => Query::Addressing(1),
            ("addr_mode_2", false) if !of_level => Query::Addressing(2),
            ("memory_layout", true) => Query::InOrder,
            _ => return Err(UNKNOWN.into()),
        };
        let (to, of, level) = match operands {
            [to, of] if !of_level => (to, of, None),
            [to, of, level] if of_level => (to, of, Some(self.source(level, Width::B32)?)),
            _ => return Err("has as many operands as no query has".into()),
        };
        let (to, handle) = (self.destination(to, Width::B32)?, self.handle(of)?);
        Ok(Action::Other(Box::new(Asking { handle, surface, query, level, to })))
    }

    /// The registers of a handle and of coordinates: `[a, {x, y}]`.
    pub(super) fn named_point(&mut self, operand: &Operand) -> Result<(u32, Vec<u32>), Refusal> {
        let handle = self.handle(operand)?;
        let Operand::Address(_, _, rest) = operand else { return Err("lacks coordinates".into()) };
        let [coordinates] = &rest[..] else { return Err(UNKNOWN.into()) };
        Ok((handle, self.sources(coordinates, Width::B32)?.offsets))
    }

    /// The register of a handle.
    fn handle(&mut self, operand: &Operand) -> Result<u32, Refusal> {
        match operand {
            Operand::Address(base, 0, _) if self.width_of(base) == Some(Width::B64) => self.source(base, Width::B64),
            _ => Err("names no register with a handle; references are of CUDA 11: pass an object".into()),
        }
    }
}

/// What is written after the dot.
pub(super) fn named(name: &str) -> Option<Geometry> {
    Some(match name {
        "1d" => Geometry::Line,
        "2d" => Geometry::Plane,
        "3d" => Geometry::Solid,
        "a1d" => Geometry::Lines,
        "a2d" => Geometry::Planes,
        "cube" => Geometry::Cube,
        "acube" => Geometry::Cubes,
        _ => return None,
    })
}

/// The index of a layer, and coordinates without what fills vectors up.
pub(super) fn split(geometry: Geometry, given: &[u32]) -> Result<(Option<u32>, Vec<u32>), Refusal> {
    let first = usize::from(geometry.indexed());
    let end = first + if geometry.is_cube() { 3 } else { geometry.axes() };
    // Three become four.
    if given.len() != end && (given.len(), end) != (4, 3) {
        return Err(format!("has {} coordinates where {end} belong", given.len()));
    }
    Ok((given[..first].first().copied(), given[first..end].to_vec()))
}
