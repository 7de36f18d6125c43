//! The axes of a chart: a range that holds the data, round ticks in it, and their labels.

/// From the least to the greatest value shown, with labelled ticks between.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    lo: f64,
    hi: f64,
    log: bool,
    /// Values with their labels, ascending.
    pub ticks: Vec<(f64, String)>,
}

impl Axis {
    /// Whole numbers from `first` to `last`: epochs. A single one stands in the middle.
    pub fn whole(first: u32, last: u32) -> Axis {
        let (lo, hi) = (f64::from(first), f64::from(last));
        let (lo, hi) = if first < last { (lo, hi) } else { (lo - 0.5, lo + 0.5) };
        let (base, exponent) = step((hi - lo) / 8.0);
        let (base, exponent) = if exponent < 0 { (1, 0) } else { (base, exponent) };
        let mut ticks = linear_ticks(lo, hi, base, exponent);
        // Epochs usually begin at 1, which is on no round step; show it where it does not crowd the next tick.
        let width = base as f64 * 10f64.powi(exponent);
        if ticks.first().is_none_or(|(value, _)| value - lo > 0.45 * width) && lo.fract() == 0.0 {
            ticks.insert(0, (lo, format!("{lo}")));
        }
        Axis { lo, hi, log: false, ticks }
    }

    /// A range around finite `values` with a margin; within `floor` and `ceiling`, whatever the margin.
    pub fn around(values: &[f64], floor: f64, ceiling: f64) -> Axis {
        let (lo, hi) = bounds(values);
        let margin = match hi - lo {
            0.0 if hi == 0.0 => 1.0,
            0.0 => 0.1 * hi.abs(),
            width => 0.06 * width,
        };
        let (lo, hi) = ((lo - margin).max(floor), (hi + margin).min(ceiling));
        // A single value on its floor leaves no room: open the range upwards.
        let hi = if hi > lo { hi } else { lo + 1.0 };
        let (base, exponent) = step((hi - lo) / 5.0);
        Axis { lo, hi, log: false, ticks: linear_ticks(lo, hi, base, exponent) }
    }

    /// Logarithmic where positive `values` span more than a factor of 50, else as [`Axis::around`] from 0 up.
    pub fn positive(values: &[f64]) -> Axis {
        let (least, most) = bounds(values);
        if least <= 0.0 || most / least < 50.0 {
            return Self::around(values, 0.0, f64::INFINITY);
        }
        Self::log(least / 1.2, most * 1.2)
    }

    /// Logarithmic from `lo` to `hi`, both positive.
    pub fn log(lo: f64, hi: f64) -> Axis {
        let decades = lo.log10().floor() as i32..=hi.log10().floor() as i32;
        let wide = hi / lo > 1e4;
        let every = decades.clone().count() as i32 / 8 + 1;
        let mut ticks = Vec::new();
        for exponent in decades.filter(|exponent| !wide || exponent % every == 0) {
            for base in if wide { &[1][..] } else { &[1, 2, 5] } {
                let value = f64::from(*base) * 10f64.powi(exponent);
                if (lo..=hi).contains(&value) {
                    ticks.push((value, label(i64::from(*base), exponent)));
                }
            }
        }
        Axis { lo, hi, log: true, ticks }
    }

    /// The low end.
    pub fn low(&self) -> f64 {
        self.lo
    }

    /// Where `value` stands: 0 at the low end, 1 at the high end.
    pub fn position(&self, value: f64) -> f64 {
        if self.log {
            (value / self.lo).ln() / (self.hi / self.lo).ln()
        } else {
            (value - self.lo) / (self.hi - self.lo)
        }
    }
}

/// Least and greatest of the finite values; 0 and 1 without any.
fn bounds(values: &[f64]) -> (f64, f64) {
    let finite = values.iter().copied().filter(|value| value.is_finite());
    finite
        .fold(None, |range, v| range.map_or(Some((v, v)), |(lo, hi): (f64, f64)| Some((lo.min(v), hi.max(v)))))
        .unwrap_or((0.0, 1.0))
}

/// The round number base × 10^exponent, base 1, 2 or 5, that is next above `width`.
fn step(width: f64) -> (i64, i32) {
    let exponent = width.log10().floor() as i32;
    let scaled = width / 10f64.powi(exponent);
    match scaled {
        s if s <= 1.0 => (1, exponent),
        s if s <= 2.0 => (2, exponent),
        s if s <= 5.0 => (5, exponent),
        _ => (1, exponent + 1),
    }
}

/// Multiples of base × 10^exponent from `lo` to `hi`.
fn linear_ticks(lo: f64, hi: f64, base: i64, exponent: i32) -> Vec<(f64, String)> {
    let step = base as f64 * 10f64.powi(exponent);
    let slack = 1e-9;
    let (first, last) = ((lo / step - slack).ceil(), (hi / step + slack).floor());
    // Far from 0 with a tiny range, steps are below the numbers' own spacing: then there is nothing to label.
    if !(last - first).is_finite() || last - first > 20.0 || first.abs() > 1e12 {
        return Vec::new();
    }
    // All with the same number of decimals where they are written plainly.
    let text = |mantissa: i64| match exponent {
        -4..0 if mantissa != 0 => format!("{:.*}", -exponent as usize, mantissa as f64 * 10f64.powi(exponent)),
        _ => label(mantissa, exponent),
    };
    (first as i64..=last as i64).map(|k| (k as f64 * step, text(k * base))).collect()
}

/// mantissa × 10^exponent, written plainly where that is short, else as `5e-7`.
fn label(mantissa: i64, exponent: i32) -> String {
    if mantissa == 0 {
        return "0".into();
    }
    let (mut mantissa, mut exponent) = (mantissa, exponent);
    while mantissa % 10 == 0 {
        mantissa /= 10;
        exponent += 1;
    }
    let digits = mantissa.abs().ilog10() as i32;
    if (-4..=0).contains(&exponent) {
        format!("{:.*}", -exponent as usize, mantissa as f64 * 10f64.powi(exponent))
    } else if (0..=4).contains(&exponent) && digits + exponent < 6 {
        format!("{}", mantissa * 10i64.pow(exponent as u32))
    } else {
        let leading = mantissa as f64 / 10f64.powi(digits);
        format!("{leading}e{}", exponent + digits)
    }
}

/// `value` with about three digits, for a legend: `0.673`, `12.4`, `3e-7`.
pub fn short(value: f64) -> String {
    match value.abs() {
        v if !v.is_finite() => format!("{value}"),
        0.0 => "0".into(),
        v if (0.1..1e3).contains(&v) => format!("{value:.*}", (2 - (v.log10().floor() as i32).clamp(-1, 2)) as usize),
        v if (1e3..1e6).contains(&v) => format!("{value:.0}"),
        v => {
            // Three digits, less the zeros at their end.
            let text = format!("{value:.2e}");
            let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
            let small = (1e-4..0.1).contains(&v);
            if small { format!("{}", text.parse().unwrap_or(v)) } else { format!("{mantissa}e{exponent}") }
        }
    }
}
