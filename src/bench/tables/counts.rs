//! Tables of what the rungs of a ladder ask of a GPU's memory, counted in profiled mode: the same on every machine.

use super::Grid;
use crate::device::Device;
use crate::device::host::{Host, Mode, Options};
use crate::device::profiled::{Counts, Profiles};
use crate::error::Result;
use crate::launch::ladder::{Summary, stem};

/// What each ladder is shown at: large enough for the differences between its rungs, small enough to be counted in seconds.
const PROBLEMS: [(&str, &str); 16] = [
    ("matmul_forward", "NN m2048 n2048 k32"),
    ("conv2d_forward", "n1 h32 w32 c64 k64 r3 s3 stride1,1 pad1,1 dilation1,1"),
    ("conv2d_backward_input", "n1 h32 w32 c64 k64 r3 s3 stride1,1 pad1,1 dilation1,1"),
    ("conv2d_backward_input", "n1 h32 w32 c64 k64 r3 s3 stride2,2 pad1,1 dilation1,1"),
    ("conv2d_backward_filter", "n1 h32 w32 c64 k64 r3 s3 stride1,1 pad1,1 dilation1,1"),
    ("batchnorm_forward", "rows1024 c64 relu"),
    ("batchnorm_forward", "rows1024 c64 residual"),
    ("batchnorm_backward", "rows1024 c64 relu"),
    ("batchnorm_backward", "rows1024 c64 residual"),
    ("max_pool_forward", "n2 h16 w16 c64 size2,2 stride2,2 pad0,0"),
    ("cross_entropy_forward", "n256 k128"),
    ("sum_forward", "n65536"),
    ("sum_rows_forward", "r1024 c64"),
    ("augment_forward_sample", "b2 h32 w32 k2"),
    ("augment_forward_colour", "b2 h32 w32 k6"),
    ("adam_step", "t32 n65536 s2"),
];

/// The counts of `ladder` at each of its problems; none if it is not shown.
///
/// # Errors
/// A host device without a compiler.
pub fn of_ladder(ladder: &Summary) -> Result<Option<String>> {
    let problems = PROBLEMS.iter().filter(|(name, _)| *name == ladder.name);
    let tables = problems.map(|(_, problem)| table(ladder, problem)).collect::<Result<Vec<_>>>()?;
    Ok((!tables.is_empty()).then(|| tables.join("\n")))
}

fn table(ladder: &Summary, problem: &str) -> Result<String> {
    let head = [
        problem,
        "launches",
        "blocks",
        "global requests",
        "sectors each",
        "shared wavefronts",
        "of conflicts",
        "barriers",
        "FLOPs",
        "moved at least",
    ];
    let mut rows = Vec::new();
    for (rung, file) in ladder.numbers().zip(&ladder.files) {
        let profiles = Profiles::default();
        let options = Options { mode: Mode::Profiled, profiles: profiles.clone(), ..Default::default() };
        let device = Device::new(Box::new(Host::new(options)));
        let job = ladder.job(&device, problem)?;
        device.choices().forced(ladder.name, rung, &job.run)?;
        if device.choices().made_for(ladder.name, problem) != Some(rung) {
            continue; // this rung is not for such problems
        }
        let all = profiles.list();
        let mut total = Counts::default();
        all.iter().for_each(|profile| total += profile.total);
        let (global, shared) = (total.global(), total.shared());
        let launches: u64 = all.iter().map(|profile| profile.launches).sum();
        let blocks: u64 = all.iter().map(|profile| profile.blocks).sum();
        let moved: u64 = all.iter().map(|profile| profile.read + profile.written).sum();
        let sectors = global.transactions as f64 / global.requests.max(1) as f64;
        let mut cells = vec![format!("[`{}`]({file})", stem(file)), launches.to_string(), count(blocks)];
        cells.push(count(global.requests));
        cells.push(format!("{sectors:.1}"));
        cells.extend([shared.transactions, shared.conflicts(), total.barriers].map(count));
        let counted = all.iter().all(|profile| profile.uncounted.is_none());
        cells.push(if counted { count(total.operations.flops()) } else { "not counted".into() });
        cells.push(format!("{}B", count(moved)));
        rows.push(cells);
    }
    Ok(Grid { left: 1, head: head.map(String::from).into(), rows }.markdown())
}

/// Three digits, and k, M or G.
fn count(value: u64) -> String {
    let units = [(1e9, " G"), (1e6, " M"), (1e3, " k")];
    match units.into_iter().find(|(unit, _)| value as f64 >= 10.0 * unit) {
        Some((unit, name)) => {
            let scaled = value as f64 / unit;
            if scaled < 99.95 { format!("{scaled:.1}{name}") } else { format!("{scaled:.0}{name}") }
        }
        None => format!("{value}"),
    }
}
