//! A kernel's profile for people and for programs: counts, and what they mean on a named GPU.

use std::fmt::{self, Display};

use serde_json::{Value, json};

use super::differences::kinds;
use super::made::{instructions_json, write_instructions};
use super::occupancy::{Block, Occupancy};
use super::roofline::{Roofline, Work, ridge};
use super::{Gpu, picture};
use crate::device::cuda::cubin::Usage;
use crate::device::profiled::{Counts, Line, Profile, Transfers};

/// One kernel, on one GPU.
pub struct Report<'a> {
    /// What was counted.
    pub profile: &'a Profile,
    /// Where it is to run.
    pub gpu: &'a Gpu,
    /// What NVRTC makes of it for this GPU; or why that is not known, in a few words.
    pub usage: Result<Usage, String>,
    /// The same launches as the source asks for them, where `profile` is of what a compiler made; or why that is not known.
    pub source: Option<Result<Profile, String>>,
}

impl Report<'_> {
    /// What a launch computes and has to move, of the mean launch. None if operations were not counted.
    pub fn work(&self) -> Option<Work> {
        let launches = self.profile.launches.max(1) as f64;
        let bytes = (self.profile.read + self.profile.written) as f64;
        let flops = self.profile.total.operations.flops() as f64;
        self.profile.uncounted.is_none().then_some(Work { flops: flops / launches, dram_bytes: bytes / launches })
    }

    /// The least time that the GPU's limits allow a launch.
    pub fn roofline(&self) -> Option<Roofline> {
        self.work().map(|work| work.on(self.gpu))
    }

    /// How many of its blocks an SM holds.
    ///
    /// # Errors
    /// Why that is not known, or why it cannot be launched there.
    pub fn occupancy(&self) -> Result<Occupancy, String> {
        let usage = self.usage.as_ref().map_err(Clone::clone)?;
        let geometry = self.profile.geometry;
        let threads = geometry.threads() as u32;
        let block = Block { threads, registers: usage.registers, shared: usage.shared + geometry.shared };
        Occupancy::of(block, self.gpu).map_err(|e| e.to_string())
    }

    /// The point in a picture of rooflines.
    pub fn point(&self) -> Option<picture::Point> {
        self.work().map(|work| picture::Point { name: self.profile.kernel.clone(), work })
    }

    /// All of it, for programs. Counts are of all launches together.
    pub fn json(&self) -> Value {
        let Profile { kernel, file, defines, geometry, launches, static_shared, read, written, uncounted, .. } =
            self.profile;
        let place = |(lines, counts): (&Vec<Line>, &Counts)| {
            let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
            json!({"lines": lines, "counts": counts_json(counts)})
        };
        let usage = self.usage.as_ref().ok().map(|usage| {
            let (stores, loads) = (usage.spill_stores, usage.spill_loads);
            json!({"registers": usage.registers, "shared": usage.shared, "stack": usage.stack,
                   "spill_stores": stores, "spill_loads": loads})
        });
        let occupancy = self.occupancy().ok().map(|found| {
            let binding: Vec<String> = found.binding().map(|limit| limit.to_string()).collect();
            json!({"blocks": found.blocks, "warps": found.warps, "share": found.share, "limited_by": binding})
        });
        let roofline = self.roofline().map(|found| {
            json!({"flop_per_byte": found.intensity, "compute_s": found.compute_s, "memory_s": found.memory_s,
                   "least_s": found.least_s(), "bound": found.bound.to_string()})
        });
        json!({
            "kernel": kernel, "file": file, "defines": defines.to_string(),
            "grid": geometry.grid, "block": geometry.block, "dynamic_shared": geometry.shared,
            "launches": launches, "static_shared": static_shared, "dram_read": read, "dram_written": written,
            "uncounted": uncounted, "total": counts_json(&self.profile.total),
            "places": self.profile.places.iter().map(place).collect::<Value>(),
            "source": self.source_json(), "gpu": self.gpu.name, "usage": usage, "occupancy": occupancy, "roofline": roofline,
        })
    }

    fn lines(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines: Vec<_> = self.profile.lines(&self.profile.file).into_iter().collect();
        // What takes most of the memory's turns first.
        lines.sort_by_key(|(number, counts)| (std::cmp::Reverse(turns(counts)), *number));
        for (number, counts) in lines.into_iter().filter(|(_, counts)| turns(counts) > 0).take(8) {
            writeln!(f, "  line {number:<10} {}", summary(&counts))?;
        }
        Ok(())
    }
}

/// Sectors and wavefronts.
fn turns(counts: &Counts) -> u64 {
    counts.global().transactions + counts.shared().transactions
}

/// What a line does, in a few words.
pub fn summary(counts: &Counts) -> String {
    let mut parts = Vec::new();
    for (name, of, piece) in kinds(counts).into_iter().filter(|(_, of, _)| of.requests > 0) {
        parts.push(format!("{name}: {} of {:.1} {piece}", plural(of.requests, "request"), per(of)));
    }
    if counts.operations.flops() > 0 {
        parts.push(format!("{} FLOP", short(counts.operations.flops())));
    }
    if counts.barriers > 0 {
        parts.push(plural(counts.barriers, "barrier"));
    }
    if counts.collectives > 0 {
        parts.push(plural(counts.collectives, "warp collective"));
    }
    if counts.instructions.issued > 0 {
        parts.push(plural(counts.instructions.issued, "instruction"));
    }
    parts.join("; ")
}

fn per(of: Transfers) -> f64 {
    of.transactions as f64 / of.requests as f64
}

pub(super) fn counts_json(counts: &Counts) -> Value {
    let transfers = |of: Transfers, transactions: &str| {
        json!({"requests": of.requests, "partial": of.partial, "lanes": of.lanes, "bytes": of.bytes,
               transactions: of.transactions, "least": of.least})
    };
    let mut value = serde_json::Map::new();
    for (name, of, transactions) in kinds(counts) {
        value.insert(name.replace(' ', "_"), transfers(of, transactions));
    }
    let operations = counts.operations;
    let by_kind = json!({"add": operations.add, "multiply": operations.multiply, "fused": operations.fused,
                         "divide": operations.divide, "special": operations.special, "compare": operations.compare});
    value.insert("operations".into(), by_kind);
    if let Some(made) = instructions_json(counts.instructions) {
        value.insert("instructions".into(), made);
    }
    value.insert("flops".into(), operations.flops().into());
    value.insert("barriers".into(), counts.barriers.into());
    value.insert("collectives".into(), counts.collectives.into());
    Value::Object(value)
}

/// A number with a unit prefix: `33.5 M`.
pub fn short(number: u64) -> String {
    scaled(number as f64)
}

/// `640 B`, `33.5 MB`
fn bytes(count: u64) -> String {
    let number = short(count);
    if number.contains(' ') { number + "B" } else { number + " B" }
}

fn scaled(number: f64) -> String {
    match number {
        n if n < 1e4 => format!("{n:.0}"),
        n if n < 1e6 => format!("{:.1} k", n / 1e3),
        n if n < 1e9 => format!("{:.1} M", n / 1e6),
        n => format!("{:.1} G", n / 1e9),
    }
}

fn seconds(time: f64) -> String {
    match time {
        t if t < 1e-6 => format!("{:.0} ns", t * 1e9),
        t if t < 1e-3 => format!("{:.1} µs", t * 1e6),
        t => format!("{:.2} ms", t * 1e3),
    }
}

pub(super) fn plural(count: u64, what: &str) -> String {
    format!("{} {what}{}", short(count), if count == 1 { "" } else { "s" })
}

impl Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Profile { kernel, file, defines, geometry, launches, total, read, written, .. } = self.profile;
        let size = |[x, y, z]: [u32; 3]| match (y, z) {
            (1, 1) => x.to_string(),
            (_, 1) => format!("{x} x {y}"),
            _ => format!("{x} x {y} x {z}"),
        };
        writeln!(f, "{kernel}   {file}   {defines}")?;
        let (grid, block) = (size(geometry.grid), size(geometry.block));
        let launched = if *launches == 1 { String::new() } else { format!("{launches}, the last of ") };
        writeln!(f, "  launched        {launched}{grid} blocks of {block} threads")?;
        kinds(total).into_iter().try_for_each(|kind| write_transfers(f, kind))?;
        if total.barriers + total.collectives > 0 {
            let (barriers, collectives) = (plural(total.barriers, "barrier"), plural(total.collectives, "collective"));
            writeln!(f, "  synchronization {barriers} of blocks, {collectives} of warps")?;
        }
        writeln!(f, "  FLOPs           {}", self.flops())?;
        writeln!(f, "  memory          reads {}, writes {} at least", bytes(*read), bytes(*written))?;
        write_instructions(f, total.instructions)?;
        self.beside(f)?;
        self.on_gpu(f)?;
        self.lines(f)
    }
}

/// A line about accesses of one kind, if there are any.
fn write_transfers(f: &mut fmt::Formatter<'_>, (name, of, transactions): (&str, Transfers, &str)) -> fmt::Result {
    if of.requests == 0 {
        return Ok(());
    }
    write!(f, "  {name:<15} {}, {:.2} {transactions} each", plural(of.requests, "request"), per(of))?;
    match (of.efficiency(), transactions) {
        (Some(share), "sectors") => write!(f, ", {:.0} % of their bytes asked for", 100.0 * share)?,
        _ => write!(f, ", {} of bank conflicts", short(of.conflicts()))?,
    }
    if of.partial > 0 {
        write!(f, "; {:.0} % with lanes missing", 100.0 * of.partial as f64 / of.requests as f64)?;
    }
    writeln!(f)
}

impl Report<'_> {
    /// `33.6 M: 16.8 M fused multiply-adds`
    fn flops(&self) -> String {
        if let Some(why) = &self.profile.uncounted {
            return format!("not counted: {}", why.lines().next().unwrap_or_default());
        }
        let operations = self.profile.total.operations;
        let kinds = [
            ("fused multiply-adds", operations.fused),
            ("multiplications", operations.multiply),
            ("additions", operations.add),
            ("divisions", operations.divide),
            ("special functions", operations.special),
            ("comparisons", operations.compare),
        ];
        let kinds = kinds.iter().filter(|(_, count)| *count > 0);
        let kinds: Vec<String> = kinds.map(|(name, count)| format!("{} {name}", short(*count))).collect();
        let kinds = if kinds.is_empty() { String::new() } else { format!(": {}", kinds.join(", ")) };
        short(operations.flops()) + &kinds
    }

    /// Lines about the GPU: resources, occupancy, roofline.
    fn on_gpu(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  on {:<12} ", self.gpu.name)?;
        match &self.usage {
            Err(why) => writeln!(f, "registers not known: {why}")?,
            Ok(Usage { registers, shared, spill_stores, spill_loads, .. }) => {
                let (spills, shared) = (spill_stores + spill_loads, shared + self.profile.geometry.shared);
                let spills = if spills > 0 { format!("{spills} bytes of spills") } else { "no spills".into() };
                writeln!(f, "{registers} registers, {shared} bytes of shared memory, {spills}")?;
                let occupancy = match self.occupancy() {
                    Err(why) => why,
                    Ok(found) => {
                        let (blocks, warps) =
                            (plural(found.blocks.into(), "block"), plural(found.warps.into(), "warp"));
                        let by = found.binding().map(|limit| limit.to_string()).collect::<Vec<_>>().join(" and ");
                        let share = 100.0 * found.share;
                        format!("{blocks} on an SM: {warps}, {share:.0} % of what it holds; limited by {by}")
                    }
                };
                writeln!(f, "{:18}{occupancy}", "")?;
            }
        }
        let Some(roofline) = self.roofline() else { return Ok(()) };
        let (least, bound) = (seconds(roofline.least_s()), roofline.bound);
        let (here, at) = (roofline.intensity, ridge(self.gpu));
        writeln!(f, "{:18}{least} a launch at least: {bound} binds ({here:.1} FLOP a byte, ridge at {at:.1})", "")
    }
}
