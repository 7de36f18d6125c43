//! Rules and the sets of rules that networks are explained by, under Zennit's names (Anders et al., "Software for Dataset-wide
//! XAI: From Local Explanations to Global Insights with Zennit, CoRelAy, and ViRelAy", 2021).

use crate::error::{Error, Result};

/// What keeps denominators from 0: it is added to those of 0 and above, subtracted from those below.
pub const STABILIZER: f32 = 1e-6;

/// How the relevance of a layer's outputs is shared out among its inputs x, where the layer multiplies by weights w and adds a
/// bias. Each output's relevance is shared in proportion to the terms of a sum; what the bias has of that sum goes nowhere.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// The terms x · w, with this stabilizer: LRP-ε, with 0 LRP-0 (Bach et al. 2015). On a whole network it is gradient times
    /// input where no bias is, and as noisy.
    Epsilon(f32),
    /// Those above 0 alone (Montavon et al. 2017): what speaks against shows as a lack.
    ZPlus,
    /// All, where those above 0 count 1 + γ times (Montavon et al. 2019), for outputs below 0 those below 0 (Andéol et al. 2021).
    Gamma(f32),
    /// α times in proportion to those above 0, β times to those below; α − β = 1 (Bach et al. 2015).
    AlphaBeta {
        /// For what speaks for the output.
        alpha: f32,
        /// For what speaks against it.
        beta: f32,
    },
    /// The terms x · w − low · max(w, 0) − high · min(w, 0): for pictures, whose values lie between two bounds (Montavon et al.
    /// 2017).
    Box {
        /// The least value of each channel.
        low: Vec<f32>,
        /// The largest value of each channel.
        high: Vec<f32>,
    },
    /// Alike, whatever inputs and weights are (Lapuschkin et al. 2019).
    Flat,
}

/// Which rule layers go by. The others' are the same in all sets: relevance passes activation functions, dropout, scales and
/// normalization that follows no layer with weights; means and sums share it in proportion to their terms; of a maximum the
/// winner takes all.
#[derive(Clone, Debug, PartialEq)]
pub struct Composite {
    /// Of the first layer that multiplies by weights, if it has one of its own. [`Rule::Box`] is for a convolution of the picture
    /// itself; where there is none, the other rules hold.
    pub first: Option<Rule>,
    /// Of convolutions.
    pub convolution: Rule,
    /// Of linear layers.
    pub linear: Rule,
}

impl Composite {
    /// [`Rule::Epsilon`] for linear layers, [`Rule::Gamma`] with γ = 1/4 for convolutions, [`Rule::Box`] for the first, whose
    /// input has values from `low` to `high`, one for each channel. The one to take for convolutional networks: each rule is
    /// where Montavon et al. (2019) found it to work best. Near the logits that is the one nearest to what the network computes;
    /// in the middle one that drops noise and still tells what speaks against; at the pixels the one for which black is a colour
    /// as any other.
    ///
    /// # Errors
    /// Bounds that are not as many, or not apart.
    pub fn epsilon_gamma_box(low: &[f32], high: &[f32]) -> Result<Self> {
        let apart = |(low, high): (&f32, &f32)| low.is_finite() && high.is_finite() && low < high;
        if low.len() != high.len() || !low.iter().zip(high).all(apart) {
            let what = format!("{low:?} to {high:?}: give two numbers for each channel, the lower first");
            return Err(Error::usage(format!("LRP's bounds of pixels: {what}")));
        }
        let first = Some(Rule::Box { low: low.into(), high: high.into() });
        Ok(Self { first, ..Self::of_convolutions(Rule::Gamma(0.25)) })
    }

    /// The same for pictures of values from 0 to 1 that were normalized by a mean and a standard deviation for each channel.
    ///
    /// # Errors
    /// Those of [`Composite::epsilon_gamma_box`].
    pub fn of_pixels(mean: &[f32], std: &[f32]) -> Result<Self> {
        let bound = |value: f32| mean.iter().zip(std).map(|(mean, std)| (value - mean) / std).collect::<Vec<_>>();
        Self::epsilon_gamma_box(&bound(0.0), &bound(1.0))
    }

    /// [`Rule::Epsilon`] for linear layers, [`Rule::ZPlus`] for convolutions.
    pub fn epsilon_plus() -> Self {
        Self::of_convolutions(Rule::ZPlus)
    }

    /// The same, and [`Rule::Flat`] for the first layer.
    pub fn epsilon_plus_flat() -> Self {
        Self { first: Some(Rule::Flat), ..Self::epsilon_plus() }
    }

    /// [`Rule::Epsilon`] for linear layers, [`Rule::AlphaBeta`] with 2 and 1 for convolutions.
    pub fn epsilon_alpha2_beta1() -> Self {
        Self::of_convolutions(Rule::AlphaBeta { alpha: 2.0, beta: 1.0 })
    }

    fn of_convolutions(convolution: Rule) -> Self {
        Self { first: None, convolution, linear: Rule::Epsilon(STABILIZER) }
    }
}
