//! Which method to use, by a rule that is written down.

use serde::{Deserialize, Serialize};

use super::Row;

/// From this mean rank correlation on, over all steps from the trained network to a random one, maps are the picture's more than
/// what was learned. It lies in the middle of a gap: on little-conv, VGG11 and ResNet-18 trained on the emoji pictures, guided
/// backprop, which Adebayo et al. find to fail, has 0.75 to 0.92, plain gradients, which pass, have 0.46 at most, and Grad-CAM
/// 0.13. At the last step alone there is no gap: when even the first layer no longer finds edges, guided backprop's maps change,
/// too.
pub const THRESHOLD: f64 = 0.6;

/// The rule, for people.
pub const RULE: &str = "rule: of the methods whose maps change as the network becomes random (random below 0.6), the one with the largest ROAD, \
                        which is above 0 by two standard errors, and above the controls'; of those not worse by more than one, the steadiest under noise";

/// Which method to use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The method; none where none is to be believed.
    pub method: Option<String>,
    /// A sentence that says so and why.
    pub sentence: String,
    /// Methods whose maps stay when the network is made random.
    pub blind: Vec<String>,
}

/// What `rows` say.
pub fn verdict(rows: &[Row]) -> Verdict {
    let methods: Vec<&Row> = rows.iter().filter(|row| !row.control && row.figures.is_some()).collect();
    let blind = |row: &&Row| row.likeness().is_none_or(|likeness| likeness >= THRESHOLD);
    let blind: Vec<String> = methods.iter().copied().filter(blind).map(|row| row.method.clone()).collect();
    let able: Vec<&Row> = methods.into_iter().filter(|row| !blind.contains(&row.method)).collect();
    let warned = match &blind[..] {
        [] => String::new(),
        [one] => format!("; {one} says little of what it learned: its maps stay as it is made random"),
        all => format!("; {} say little of what it learned: their maps stay as it is made random", all.join(", ")),
    };
    let none = |why: &str| Verdict {
        method: None,
        sentence: format!("believe none of these maps here: {why}{warned}"),
        blind: blind.clone(),
    };
    let Some(best) = able.iter().copied().reduce(|best, row| if row.road() > best.road() { row } else { best }) else {
        return none("no method has maps that depend on the network");
    };
    // Not worse by more than chance: by the pictures that both have a map of.
    let near = |row: &Row| {
        let (mean, error) = apart(best, row);
        mean <= error
    };
    let noise = |row: &Row| row.figures.as_ref().map_or(f64::INFINITY, |figures| figures.stability.mean);
    let near: Vec<&Row> = able.iter().copied().filter(|row| near(row)).collect();
    let chosen =
        near.iter().copied().reduce(|best, row| if noise(row) < noise(best) { row } else { best }).unwrap_or(best);
    let Some(error) = chosen.figures.as_ref().and_then(|figures| figures.road.error) else {
        return none("a single picture does not tell order from chance: name several with ‹images›");
    };
    if chosen.road() <= 2.0 * error {
        return none(&format!(
            "the best of them, {}, puts pixels in no better order than chance (ROAD {:+.3})",
            chosen.method,
            chosen.road()
        ));
    }
    if let Some(control) = rows.iter().find(|row| row.control && row.road() >= chosen.road()) {
        return none(&format!(
            "the best of them, {}, puts pixels in no better order than {}, which look at no network (ROAD {:+.3} and {:+.3})",
            chosen.method,
            control.method,
            chosen.road(),
            control.road()
        ));
    }
    let reason = if chosen.method == best.method {
        format!("its order of pixels is the best (ROAD {:+.3})", chosen.road())
    } else {
        format!(
            "its order of pixels is as good as that of {} (ROAD {:+.3} and {:+.3}), and it is steadier under noise",
            best.method,
            chosen.road(),
            best.road()
        )
    };
    let sentence = format!("use {} here: its maps change with the network, {reason}{warned}", chosen.method);
    Verdict { method: Some(chosen.method.clone()), sentence, blind }
}

/// By how much ROAD of `one` is above that of `other`, on average over the pictures that have both, and the standard error of
/// that.
fn apart(one: &Row, other: &Row) -> (f64, f64) {
    let each = |row: &Row| row.figures.as_ref().map_or(Vec::new(), |figures| figures.road.each.clone());
    let both = each(one).into_iter().zip(each(other));
    let differences: Vec<f64> = both.filter_map(|(one, other)| Some(one? - other?)).collect();
    super::mean_and_error(&differences).map_or((f64::INFINITY, 0.0), |(mean, error)| (mean, error.unwrap_or(0.0)))
}
