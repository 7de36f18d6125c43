//! What a compiler made of a kernel's accesses, beside what its source asks for.

use std::fmt;

use crate::device::profiled::{Counts, Profile, Transfers};

/// Accesses of one kind on a line of the source that differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The line; none for the whole kernel.
    pub line: Option<u32>,
    /// `global loads` and the like.
    pub what: &'static str,
    /// What the source asks for.
    pub source: Transfers,
    /// What the compiler's instructions do.
    pub made: Transfers,
    /// What has become of them.
    pub why: Why,
}

/// What a compiler does with accesses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Fewer requests move as many bytes: several have become one that is wider.
    Merged,
    /// More requests move as many bytes: one has become several that are narrower.
    Split,
    /// Fewer bytes are asked for: values stay in registers, or are loaded before a loop.
    Kept,
    /// More bytes are asked for: values are loaded anew, or for lanes that do not use them.
    Repeated,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Merged => "merged into wider ones",
            Self::Split => "split into narrower ones",
            Self::Kept => "kept in registers, or moved out of a loop",
            Self::Repeated => "repeated, or done by more lanes",
        })
    }
}

/// A kernel's accesses by kind.
pub(super) fn kinds(counts: &Counts) -> [(&'static str, Transfers, &'static str); 6] {
    [
        ("global loads", counts.global_loads, "sectors"),
        ("global stores", counts.global_stores, "sectors"),
        ("global atomics", counts.global_atomics, "sectors"),
        ("shared loads", counts.shared_loads, "wavefronts"),
        ("shared stores", counts.shared_stores, "wavefronts"),
        ("shared atomics", counts.shared_atomics, "wavefronts"),
    ]
}

/// Where two profiles of the same launches, one of the source and one of what was made of it, differ: by line of the kernel's file,
/// the largest differences first. Compilers move accesses between lines, so a kind that agrees in the whole kernel differs nowhere.
pub fn differences(source: &Profile, made: &Profile) -> Vec<Difference> {
    let differing = |line, source: &Counts, made: &Counts| {
        let pairs = kinds(source).into_iter().zip(kinds(made));
        let differ = pairs.filter_map(move |((what, source, _), (_, made, _))| {
            let why = match (made.bytes.cmp(&source.bytes), made.requests.cmp(&source.requests)) {
                (std::cmp::Ordering::Less, _) => Why::Kept,
                (std::cmp::Ordering::Greater, _) => Why::Repeated,
                (_, std::cmp::Ordering::Less) => Why::Merged,
                (_, std::cmp::Ordering::Greater) => Why::Split,
                _ => return None,
            };
            Some(Difference { line, what, source, made, why })
        });
        differ.collect::<Vec<_>>()
    };
    let whole = differing(None, &source.total, &made.total);
    let (of_source, of_made) = (source.lines(&source.file), made.lines(&made.file));
    let mut lines: Vec<u32> = of_source.keys().chain(of_made.keys()).copied().collect();
    lines.sort_unstable();
    lines.dedup();
    let none = Counts::default();
    let of_line = |line: u32| {
        let [source, made] = [&of_source, &of_made].map(|lines| lines.get(&line).unwrap_or(&none));
        differing(Some(line), source, made)
    };
    let mut all: Vec<Difference> = lines.into_iter().flat_map(of_line).collect();
    all.retain(|one| whole.iter().any(|of_all| of_all.what == one.what));
    all.sort_by_key(|one| std::cmp::Reverse(one.source.requests.abs_diff(one.made.requests)));
    whole.into_iter().chain(all).collect()
}
