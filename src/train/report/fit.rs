//! Over- or underfitting: what a run's curves say, in one line.
//!
//! The rule, on the losses of the validation set (of the test set where there is none) and of training:
//!
//! - *Overfits from epoch k*: k has the lowest judged loss; at least two epochs follow it; the mean judged loss of the
//!   later half of those, and the last one, are at least 5 % above the lowest; and training loss is lower at the end
//!   than at k. The network still learns the training set, and what it learns no longer helps.
//! - *Still learning*: it does not overfit; training top-1 is below 90 % at the end and rose by a point or more over the
//!   last quarter of the epochs; and the lowest judged loss lies in that quarter. More epochs, or a larger network, help.
//! - *Underfits since epoch k*: neither of these; training top-1 is below 90 % at the end and less than 5 points above the judged one;
//!   and since k, in the first half of the epochs, it is within a point of what it is at the end. What a longer training does not
//!   change, a larger network, another learning rate or less augmentation may.
//! - Otherwise, and with fewer than four epochs: nothing is said. A loss that is not finite says nothing either.
//!
//! Training losses may have label smoothing, augmentation and dropout in them, and are averages over a moving network:
//! so they are compared with each other, never with the judged ones.

use crate::train::logs::metrics::{Row, Split};

const EPOCHS: usize = 4;
const RISE: f64 = 1.05;
const LOW: f64 = 0.9;
const POINT: f64 = 0.01;
const GAP: f64 = 0.05;

/// What `rows` of a run's `metrics.csv` say about its fit, if they say anything clearly.
pub fn note(rows: &[Row]) -> Option<String> {
    let of = |split: Split| rows.iter().filter(|row| row.split == split).collect::<Vec<_>>();
    let train = of(Split::Train);
    let judged = [Split::Val, Split::Test].into_iter().map(of).find(|rows| !rows.is_empty())?;
    let finite = train.iter().chain(&judged).all(|row| row.loss.is_finite());
    if judged.len() < EPOCHS || train.len() != judged.len() || !finite {
        return None;
    }
    let last = judged.len() - 1;
    let lowest = (0..=last).min_by(|&a, &b| judged[a].loss.total_cmp(&judged[b].loss))?;
    let after = &judged[lowest + 1..];
    let later = &after[after.len() / 2..];
    let risen = later.iter().map(|row| row.loss).sum::<f64>() / later.len() as f64;
    let rose = risen.min(judged[last].loss) >= RISE * judged[lowest].loss;
    if after.len() >= 2 && rose && train[last].loss < train[lowest].loss {
        return Some(format!(
            "overfits from epoch {}: since then {} loss rose from {:.3} to {:.3} while training loss fell from {:.3} to {:.3}",
            judged[lowest].epoch,
            judged[lowest].split.name(),
            judged[lowest].loss,
            judged[last].loss,
            train[lowest].loss,
            train[last].loss,
        ));
    }
    let quarter = last - judged.len() / 4;
    let (before, now) = (train[quarter].top1, train[last].top1);
    if now < LOW && now - before >= POINT && lowest > quarter {
        return Some(format!(
            "still learning: training top-1 rose from {:.1} % at epoch {} to {:.1} % at epoch {}",
            100.0 * before,
            train[quarter].epoch,
            100.0 * now,
            train[last].epoch,
        ));
    }
    let near = |row: &&&Row| (row.top1 - now).abs() < POINT;
    let since = last + 1 - train.iter().rev().take_while(near).count();
    if now < LOW && now - judged[last].top1 < GAP && since <= last / 2 {
        return Some(format!(
            "underfits: since epoch {} training top-1 has stayed within a point of {:.1} %, and {} top-1 is {:.1} %",
            train[since].epoch,
            100.0 * now,
            judged[last].split.name(),
            100.0 * judged[last].top1,
        ));
    }
    None
}
