//! How likely a picture's class is wrong, and how hard it is, by what a network says of it.
//!
//! **Mistakenness** is 1 minus confident learning's normalized margin (Northcutt et al. 2021): `(1 + p(best other class) − p(class)) / 2`;
//! 1 where the network is sure of another class, ½ where it wavers, 0 where it is sure of the picture's own. FiftyOne Brain's measure
//! of that name runs alike, but takes the entropy for sureness: a picture that wavers between two other classes counts there as one
//! that wavers between its own and another. **Hardness** is the entropy, here as a share of the largest, as cleanlab has it.
//!
//! A class is **doubted** as in confident learning: another class has at least the probability that pictures of that class have on
//! average, and more than any other such class. So nobody chooses a threshold, and classes that the network is less sure of have
//! a lower one.

/// What is known of one picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// The class with the largest probability.
    pub predicted: usize,
    /// That probability.
    pub probability: f64,
    /// The probability of the picture's class.
    pub of_class: f64,
    /// 0 to 1.
    pub mistakenness: f64,
    /// 0 to 1.
    pub hardness: f64,
    /// Whether its class is doubted.
    pub doubted: bool,
}

/// The scores of pictures of classes `labels`, with `probabilities` `[n, classes]`, row by row.
pub fn scores(probabilities: &[f64], labels: &[usize], classes: usize) -> Vec<Score> {
    let rows = || probabilities.chunks_exact(classes).zip(labels);
    // A class without pictures is never as probable as those.
    let thresholds: Vec<f64> = (0..classes)
        .map(|class| {
            let own: Vec<f64> = rows().filter(|(_, label)| **label == class).map(|(row, _)| row[class]).collect();
            if own.is_empty() { f64::INFINITY } else { own.iter().sum::<f64>() / own.len() as f64 }
        })
        .collect();
    let one = |(row, &label): (&[f64], &usize)| {
        // The first of equals.
        let best = |among: &dyn Fn(&usize) -> bool| {
            (0..classes).rev().filter(among).max_by(|&one, &other| row[one].total_cmp(&row[other]))
        };
        let other = best(&|class| *class != label).map_or(0.0, |class| row[class]);
        let predicted = best(&|_| true).unwrap_or(0);
        let entropy: f64 = row.iter().filter(|share| **share > 0.0).map(|share| -share * share.ln()).sum();
        Score {
            predicted,
            probability: row[predicted],
            of_class: row[label],
            mistakenness: (1.0 + other - row[label]) / 2.0,
            hardness: if classes > 1 { (entropy / (classes as f64).ln()).clamp(0.0, 1.0) } else { 0.0 },
            doubted: best(&|class| row[*class] >= thresholds[*class]).is_some_and(|class| class != label),
        }
    };
    rows().map(one).collect()
}
