//! Geometric transforms of an image as one inverse map: where each pixel of the result lies in the picture.
//!
//! Points are in pixels, x to the right and y down, whole numbers the centres of pixels. The map goes from the result to the
//! picture, so what was written last comes first in it. Transforms are affine maps, and those of neighbours are multiplied; but
//! a frame cuts: what a crop has moved out of the image, a later rotation does not turn in again. So the map is a few
//! [`Stage`]s, one for each transform that has an edge: a matrix, the window in which there is something, and what lies beyond.

/// The size of an image, rows by columns.
pub type Size = [usize; 2];

/// What was drawn for one image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Moved {
    /// The part that fills the result: its first row and column, and how many there are.
    ResizedCrop {
        /// First row.
        top: usize,
        /// First column.
        left: usize,
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
    },
    /// The picture's row and column (below 0 in the margin) at the result's upper left corner, and whether the margin mirrors.
    Crop {
        /// Row.
        down: i32,
        /// Column.
        right: i32,
        /// See [`Geometric::Crop`](super::Geometric::Crop).
        reflect: bool,
    },
    /// Whether it is mirrored.
    Flip(bool),
    /// Degrees, counterclockwise.
    Rotate(f64),
}

/// What lies beyond a window; the numbers are the kernels'.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// What is at its edge: resizing clamps.
    Clamped = 0,
    /// The picture in a mirror that stands on its outermost pixels.
    Reflected = 1,
    /// Black, fading in within a pixel as between a pixel and a black one.
    Black = 2,
    /// Black, fading in as the square of that: torchvision multiplies what it has sampled from a picture with black around it
    /// by the mask sampled likewise.
    BlackTwice = 3,
}

/// A part of the map from a point of the result to one of the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stage {
    /// `x' = m0 x + m1 y + m2`, `y' = m3 x + m4 y + m5`.
    pub map: [f64; 6],
    /// Least and greatest x', least and greatest y', of pixels that there are.
    pub window: [f64; 4],
    /// What is beyond.
    pub edge: Edge,
}

/// `first`, then `second`.
fn then(first: [f64; 6], second: [f64; 6]) -> [f64; 6] {
    let [a, b, c, d, e, f] = second;
    let column = |i: usize| [a * first[i] + b * first[i + 3], d * first[i] + e * first[i + 3]];
    let [[m0, m3], [m1, m4], [m2, m5]] = [column(0), column(1), column(2)];
    [m0, m1, m2 + c, m3, m4, m5 + f]
}

const IDENTITY: [f64; 6] = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];

/// The first row and column of the middle part of a picture; torchvision's `CenterCrop`, which takes the even one of two middles.
pub fn middle(picture: Size, part: Size) -> Size {
    std::array::from_fn(|axis| (picture[axis].saturating_sub(part[axis]) as f64 / 2.0).round_ties_even() as usize)
}

/// The map from an image of size `to` to its picture of size `from`, through `moves`, which are in the order in which they are
/// applied: at least one stage, and as many for other draws of the same transforms. The first of them that cuts makes one size of
/// the other.
pub fn stages(moves: &[Moved], [from, to]: [Size; 2]) -> Vec<Stage> {
    let frame = |[height, width]: Size| [0.0, width as f64 - 1.0, 0.0, height as f64 - 1.0];
    let cut = moves.iter().position(|one| matches!(one, Moved::ResizedCrop { .. } | Moved::Crop { .. }));
    let mut stages = Vec::new();
    let mut map = IDENTITY;
    for (at, one) in moves.iter().enumerate().rev() {
        // Before it, and after it.
        let [size, result] = [at, at + 1].map(|at| if cut.is_some_and(|cut| at > cut) { to } else { from });
        let [height, width] = size.map(|length| length as f64);
        let (next, edge) = match *one {
            Moved::Flip(mirrored) => {
                if mirrored {
                    map = then(map, [-1.0, 0.0, width - 1.0, 0.0, 1.0, 0.0]);
                }
                continue;
            }
            Moved::Crop { down, right, reflect } => {
                let edge = if reflect { Edge::Reflected } else { Edge::Black };
                ([1.0, 0.0, right.into(), 0.0, 1.0, down.into()], (frame(size), edge))
            }
            Moved::ResizedCrop { top, left, height: rows, width: columns } => {
                let [top, left, rows, columns] = [top, left, rows, columns].map(|pixels| pixels as f64);
                // Centres of pixels are half a pixel from their edges, here and there.
                let [x, y] = [columns / result[1] as f64, rows / result[0] as f64];
                let (right, down) = (left + 0.5 * x - 0.5, top + 0.5 * y - 0.5);
                let window = [left, left + columns - 1.0, top, top + rows - 1.0];
                ([x, 0.0, right, 0.0, y, down], (window, Edge::Clamped))
            }
            Moved::Rotate(degrees) => {
                let (sine, cosine) = degrees.to_radians().sin_cos();
                let [x, y] = [(width - 1.0) / 2.0, (height - 1.0) / 2.0];
                let (right, down) = (x - cosine * x + sine * y, y - sine * x - cosine * y);
                ([cosine, -sine, right, sine, cosine, down], (frame(size), Edge::BlackTwice))
            }
        };
        let (window, edge) = edge;
        stages.push(Stage { map: then(map, next), window, edge });
        map = IDENTITY;
    }
    // What was written before everything with an edge, or alone, stays within the image.
    if stages.is_empty() || matches!(moves.first(), Some(Moved::Flip(_))) {
        stages.push(Stage { map, window: frame(from), edge: Edge::Clamped });
    }
    stages
}
