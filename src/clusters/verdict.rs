//! Which classes look at a border or a corner: what is not the object.

use serde::Serialize;

use super::maps::Maps;
use super::places::{PLACES, Place, SIDE, shares};
use super::{Member, OfClass};
use crate::explain::scale::scaled;

/// A class looks there with this share of its pictures at least, and the others with no more than that share of theirs.
const OF_CLASS: f64 = 0.3;
const OF_OTHERS: f64 = 0.1;
/// Of fewer pictures a share says nothing.
pub(super) const ENOUGH: usize = 10;

/// A class that hangs on something in a border or a corner.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// The class.
    pub class: String,
    /// Where it looks: `the lower left corner`.
    pub place: &'static str,
    /// The share of its pictures that are in clusters with half of their mean map there at least.
    pub share: f64,
    /// The share of the other classes' pictures with half of their own map there at least.
    pub others: f64,
    /// The same in a sentence.
    pub text: String,
}

/// The verdicts, and what limits them. Clusters of a class that look at the same place count together: how finely a class is cut
/// changes nothing.
pub(super) fn of(classes: &[OfClass], members: &[Member], maps: &Maps) -> (Vec<Verdict>, Vec<String>) {
    let mut notes = Vec::new();
    if let [only] = classes {
        let what = format!("all pictures are of '{}': there are no others to compare with, and no verdict", only.class);
        return (Vec::new(), vec![what]);
    }
    let hidden: Vec<&str> =
        PLACES.iter().filter(|place| !resolves(maps.shape, place)).map(|place| place.name).collect();
    if !hidden.is_empty() {
        let ([rows, columns, _], all) = (maps.shape, hidden.join(", "));
        let what = format!("maps of {rows}x{columns} pixels are too coarse to show a mark in {all}");
        notes.push(format!("{what}: choose a layer further to the front with ‹layer›"));
    }
    let few: Vec<&str> = classes.iter().filter(|class| class.pictures < ENOUGH).map(|class| &*class.class).collect();
    if !few.is_empty() {
        let (count, least) = (few.len(), if few.len() == 1 { "has" } else { "have" });
        let names = few.iter().take(5).map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
        let more = if count > 5 { format!(" and {} more", count - 5) } else { String::new() };
        notes.push(format!("{names}{more} {least} fewer than {ENOUGH} maps: too few for a verdict"));
    }
    let mut verdicts = Vec::new();
    for class in classes.iter().filter(|class| class.pictures >= ENOUGH) {
        for place in &PLACES {
            let there = class.clusters.iter().filter(|cluster| cluster.place == Some(place.name));
            let share = there.map(|cluster| cluster.pictures).sum::<usize>() as f64 / class.pictures as f64;
            let of_others = members.iter().zip(&maps.of).filter(|(member, _)| member.class != class.index);
            let others: Vec<&Vec<f64>> = of_others.filter_map(|(_, map)| map.as_ref().ok()).collect();
            if share < OF_CLASS || others.len() < ENOUGH {
                continue;
            }
            let looking = others.iter().filter(|map| place.mass(map) >= 0.5).count();
            let others = looking as f64 / others.len() as f64;
            if others <= OF_OTHERS {
                let (class, place) = (class.class.clone(), place.name);
                let rest = format!("; of the other classes' pictures {:.0} % do", 100.0 * others);
                let text = format!("looks at {place} in {:.0} % of '{class}'{rest}", 100.0 * share);
                verdicts.push(Verdict { class, place, share, others, text });
            }
        }
    }
    (verdicts, notes)
}

/// Whether a map of `shape` can have half of itself in `place`: one that has something in a single pixel.
fn resolves([rows, columns, _]: [usize; 3], place: &Place) -> bool {
    // Fine maps can: asked of a few pixels along each side, since all others are alike.
    let (rows, columns) = (rows.min(SIDE), columns.min(SIDE));
    let size = [rows, columns].map(|side| side * SIDE);
    (0..rows * columns).any(|at| {
        let mut map = vec![0.0; rows * columns];
        map[at] = 1.0;
        shares(&scaled(&map, [rows, columns], size), size).is_some_and(|map| place.mass(&map) >= 0.5)
    })
}
