//! Do pictures lie together by class, or by colour?
//!
//! Both are asked in one way: how much of it the [`NEIGHBORS`] nearest pictures tell ([`scores::regression`]), of the class as one
//! number for each class, 0 or 1, and of the colour as the mean red, green and blue of what the network sees.

use std::fmt;

use super::neighbors::Neighbor;
use super::{Points, scores};

/// How many neighbors are asked.
pub const NEIGHBORS: usize = 10;
/// Shares that differ by less are called equal, and less than this is nothing.
const NOTABLE: f64 = 0.05;

/// Of fewer pictures, neighbors are half of all or more, and their mean is that of the others.
const ENOUGH: usize = 2 * NEIGHBORS + 1;

/// Shares that neighbors tell, 1 at most; none where there is nothing to tell: one class, one colour, or too few pictures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grouping {
    /// Of the class.
    pub class: Option<f64>,
    /// Of the mean colour.
    pub color: Option<f64>,
    /// Whether there are pictures enough to ask.
    pub enough: bool,
    /// Whether their classes are known.
    pub known: bool,
}

impl Grouping {
    /// Of points with these `neighbors`, classes, if they are known, and mean colours.
    pub fn of(neighbors: &[Vec<Neighbor>], labels: Option<&[usize]>, classes: usize, colors: &Points) -> Self {
        let known = labels.is_some();
        if neighbors.len() < ENOUGH {
            return Self { class: None, color: None, enough: false, known };
        }
        let class = labels.and_then(|labels| {
            let mut indicators = vec![0.0; labels.len() * classes];
            labels.iter().enumerate().for_each(|(at, class)| indicators[at * classes + class] = 1.0);
            scores::regression(neighbors, &Points::new(classes, indicators))
        });
        Self { class, color: scores::regression(neighbors, colors), enough: true, known }
    }

    /// The answer in words.
    pub fn answer(&self) -> &'static str {
        let (class, color) = (self.class.unwrap_or(0.0), self.color.unwrap_or(0.0));
        match class - color {
            _ if !self.enough => "in a way that so few pictures do not tell",
            _ if !self.known && color < NOTABLE => "not by mean colour",
            _ if !self.known => "by mean colour",
            _ if class < NOTABLE && color < NOTABLE => "neither by class nor by mean colour",
            more if more >= NOTABLE => "by class more than by mean colour",
            more if more <= -NOTABLE => "by mean colour more than by class",
            _ => "by class and by mean colour alike",
        }
    }
}

impl fmt::Display for Grouping {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if !self.enough {
            return f.write_str(self.answer());
        }
        let share = |share: Option<f64>| share.map_or("-".into(), |share| format!("{share:.3}"));
        let (class, color) = (share(self.class), share(self.color));
        if !self.known {
            return write!(f, "{}: of it {NEIGHBORS} neighbors tell {color}", self.answer());
        }
        write!(f, "{}: of the class {NEIGHBORS} neighbors tell {class}, of the mean colour {color}", self.answer())
    }
}
