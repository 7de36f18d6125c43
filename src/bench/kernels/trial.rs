//! Which of a library's ways to solve a problem stands for it: of those that are exact enough the fastest, by our clock.

use crate::bench::median;
use crate::bench::vendor::Run;

/// Ways that are timed: the first that are exact.
const TIMED: usize = 3;
/// Times that each of them is, in turns.
const TURNS: usize = 3;

/// The fastest of the first three of `ways` that are `exact`, by the median of three runs of `seconds` in turns. Both say
/// why a way is out.
///
/// # Errors
/// Why the first is out, if all are.
pub fn fastest(
    ways: Vec<Run>,
    mut exact: impl FnMut(&Run) -> Result<(), String>,
    mut seconds: impl FnMut(&Run) -> Result<f64, String>,
) -> Result<Run, String> {
    let (count, mut first_reason) = (ways.len(), None);
    let mut timed: Vec<(Run, Vec<f64>)> = Vec::new();
    for way in ways {
        match exact(&way) {
            Ok(()) => timed.push((way, Vec::new())),
            Err(reason) => _ = first_reason.get_or_insert(reason),
        }
        if timed.len() == TIMED {
            break;
        }
    }
    for _ in 0..if timed.len() > 1 { TURNS } else { 0 } {
        timed.retain_mut(|(way, times)| match seconds(way) {
            Ok(time) => {
                times.push(time);
                true
            }
            Err(reason) => {
                first_reason.get_or_insert(reason);
                false
            }
        });
    }
    let middle = |times: &[f64]| if times.is_empty() { 0.0 } else { median(times) };
    let best = timed.into_iter().min_by(|a, b| middle(&a.1).total_cmp(&middle(&b.1)));
    best.map(|(way, _)| way).ok_or_else(|| match first_reason {
        Some(reason) => format!("none of its {count} ways will do: {reason}"),
        None => "it has no way to do this".into(),
    })
}
