//! Schedules as text: read, written, and said in words.

use super::schedule::{Curve, Policy};
use crate::error::{Error, Result};

impl std::str::FromStr for Policy {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |what: String| Error::usage(format!("schedule '{text}': {what}"));
        let (options, words): (Vec<&str>, Vec<&str>) = text.split(':').partition(|word| word.contains('='));
        let number = |word: &str| word.parse().map_err(|_| wrong(format!("'{word}' is not a whole number")));
        let epochs = |word: &str| match number(word)? {
            0 => Err(wrong("epochs count from 1".into())),
            epochs => Ok(epochs),
        };
        let factor = |word: Option<&&str>| match word.map_or(Ok(0.1), |word| word.parse::<f64>()) {
            Ok(factor) if factor > 0.0 && factor < 1.0 => Ok(factor),
            _ => Err(wrong("the factor must be a number between 0 and 1".into())),
        };
        let name = words.first().copied().unwrap_or_default();
        let (mut curve, most) = match (name, words.get(1)) {
            ("constant", _) => (Curve::Constant, 1),
            ("step", Some(every)) => (Curve::Step { epochs: epochs(every)?, factor: factor(words.get(2))? }, 3),
            ("multistep", Some(list)) => {
                let epochs = list.split(',').map(epochs).collect::<Result<Vec<_>>>()?;
                (Curve::MultiStep { epochs, factor: factor(words.get(2))? }, 3)
            }
            ("cosine", _) => (Curve::Cosine, 1),
            ("restarts", Some(first)) => {
                let factor = words.get(2).map_or(Ok(1), |word| number(word))?;
                if factor == 0 {
                    return Err(wrong("each cycle is 1 or more times as long as the one before it".into()));
                }
                (Curve::Restarts { epochs: epochs(first)?, factor }, 3)
            }
            ("triangle", _) => {
                let share = |at: usize| words.get(at)?.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share));
                match [share(1), share(2), share(3)] {
                    [Some(start), Some(peak), Some(end)] if peak < 1.0 => {
                        (Curve::Triangle { ends: [start, end], peak }, 4)
                    }
                    _ => {
                        return Err(wrong(
                            "a share of the rate to begin with, where of all steps the peak is, and a share to end with: \
                             triangle:0.2:0.23:0.07"
                                .into(),
                        ));
                    }
                }
            }
            ("onecycle", _) => (Curve::OneCycle { momentum: None }, 1),
            ("range", Some(from)) => {
                let rate = |word: Option<&&str>| {
                    word.and_then(|word| word.parse::<f64>().ok()).filter(|rate| rate.is_normal())
                };
                let rates = [rate(Some(from)), rate(words.get(2))];
                let steps = number(words.get(3).copied().unwrap_or("100"))?;
                match rates {
                    [Some(from), Some(to)] if 0.0 < from && from < to && steps > 1 => {
                        (Curve::Range { rates: [from, to], steps }, 4)
                    }
                    _ => {
                        return Err(wrong(
                            "from a rate above 0 up to another, over 2 or more steps: range:1e-7:1:100".into(),
                        ));
                    }
                }
            }
            ("plateau", patience) => {
                let patience = u32::try_from(patience.map_or(Ok(10), |word| number(word))?);
                let patience = patience.map_err(|_| wrong("nobody is that patient".into()))?;
                (Curve::Plateau { patience, factor: factor(words.get(2))? }, 3)
            }
            ("step" | "multistep", None) => return Err(wrong(format!("at which epoch? try {name}:30:0.1"))),
            ("restarts", None) => return Err(wrong("after how many epochs? try restarts:10:2".into())),
            _ => {
                let known = "constant, step:30:0.1, multistep:30,60:0.1, cosine, restarts:10:2, triangle:0.2:0.23:0.07, onecycle, \
                             plateau:10:0.1";
                let what = format!("unknown; there is {known}, each but triangle and onecycle also with :warmup=STEPS");
                return Err(wrong(what));
            }
        };
        if let Some(extra) = words.get(most) {
            return Err(wrong(format!("'{extra}' is one part too many")));
        }
        let mut warmup = 0;
        for option in options {
            match (option.split_once('='), &mut curve) {
                (Some(("warmup", _)), Curve::OneCycle { .. } | Curve::Triangle { .. }) => {
                    return Err(wrong(format!("{name} has a warm-up of its own")));
                }
                (Some(("warmup", steps)), _) => warmup = number(steps)?,
                (Some(("momentum", range)), Curve::OneCycle { momentum }) => {
                    *momentum = Some(momenta(range).ok_or_else(|| {
                        wrong("momentum goes between two numbers above 0 and below 1: write momentum=0.85-0.95".into())
                    })?);
                }
                (Some(("momentum", _)), _) => return Err(wrong("only onecycle cycles momentum".into())),
                _ => {
                    let known = "only warmup=STEPS, and momentum=LEAST-MOST of onecycle";
                    return Err(wrong(format!("'{option}' is not known, {known}")));
                }
            }
        }
        Ok(Self { curve, warmup })
    }
}

/// `0.85-0.95`
fn momenta(range: &str) -> Option<[f64; 2]> {
    let (least, most) = range.split_once('-')?;
    let [least, most]: [f64; 2] = [least.parse().ok()?, most.parse().ok()?];
    (least > 0.0 && least <= most && most < 1.0).then_some([least, most])
}

impl Policy {
    /// What it does, in words: `one cycle, up over 30 % of the steps and down to 1/250000; momentum is not cycled`.
    pub fn describe(&self) -> String {
        let mut words = match &self.curve {
            Curve::Constant => "constant".to_owned(),
            Curve::Step { epochs: 1, factor } => format!("times {factor} after every epoch"),
            Curve::Step { epochs, factor } => format!("times {factor} every {epochs} epochs"),
            Curve::MultiStep { epochs, factor } => {
                let epochs: Vec<String> = epochs.iter().map(u64::to_string).collect();
                format!("times {factor} after epochs {}", epochs.join(", "))
            }
            Curve::Cosine => "down to 0 along half a cosine".into(),
            Curve::Restarts { epochs, factor: 1 } => format!("down to 0 along half a cosine every {epochs} epochs"),
            Curve::Restarts { epochs, factor } => {
                format!(
                    "down to 0 along half a cosine over {epochs} epochs, then again over {factor} times as many as the last time"
                )
            }
            Curve::Triangle { ends: [start, end], peak } => {
                format!("a line from {start} of the rate up to all of it at {peak} of the steps, and one down to {end}")
            }
            Curve::Range { rates: [from, to], steps } => format!("from {from:e} up to {to:e} over {steps} steps"),
            Curve::OneCycle { momentum } => {
                let momentum = match momentum {
                    None => "momentum is not cycled".into(),
                    Some([least, most]) => format!("momentum (beta 1) from {most} to {least} and back"),
                };
                format!("one cycle, up over 30 % of the steps and down to 1/250000; {momentum}")
            }
            Curve::Plateau { patience, factor } => {
                format!("times {factor} after more than {patience} epochs without a lower loss")
            }
        };
        if self.warmup > 0 {
            words += &format!(", after a rise over {} steps", self.warmup);
        }
        words
    }
}

impl std::fmt::Display for Policy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.curve {
            Curve::Constant => f.write_str("constant")?,
            Curve::Step { epochs, factor } => write!(f, "step:{epochs}:{factor}")?,
            Curve::MultiStep { epochs, factor } => {
                let epochs: Vec<String> = epochs.iter().map(u64::to_string).collect();
                write!(f, "multistep:{}:{factor}", epochs.join(","))?;
            }
            Curve::Cosine => f.write_str("cosine")?,
            Curve::Restarts { epochs, factor } => write!(f, "restarts:{epochs}:{factor}")?,
            Curve::Triangle { ends: [start, end], peak } => write!(f, "triangle:{start}:{peak}:{end}")?,
            Curve::Range { rates: [from, to], steps } => write!(f, "range:{from:e}:{to:e}:{steps}")?,
            Curve::OneCycle { momentum: None } => f.write_str("onecycle")?,
            Curve::OneCycle { momentum: Some([least, most]) } => write!(f, "onecycle:momentum={least}-{most}")?,
            Curve::Plateau { patience, factor } => write!(f, "plateau:{patience}:{factor}")?,
        }
        if self.warmup > 0 { write!(f, ":warmup={}", self.warmup) } else { Ok(()) }
    }
}

impl TryFrom<String> for Policy {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Policy> for String {
    fn from(policy: Policy) -> Self {
        policy.to_string()
    }
}
