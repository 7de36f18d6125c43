//! What a class hangs on: groups of heat maps that are alike.

use image::{Rgb, RgbImage};
use maud::{Markup, html};

use super::mistakes::{Judged, picture};
use super::{Sprite, percent};
use crate::clusters::{Cluster, Clusters};
use crate::error::Result;
use crate::explain::paint::Palette;
use crate::explain::scale::enlarge;

/// A mean map's side, in pixels.
const SIDE: usize = 48;
/// Groups of a class that are shown.
const SHOWN: usize = 4;

/// Groups of maps, with their mean maps as colours.
pub struct Grouped {
    /// The groups.
    pub clusters: Clusters,
    /// The mean maps, class by class; none if all maps are blank.
    means: Option<Sprite>,
}

impl Grouped {
    /// Of `clusters`.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn of(clusters: Clusters) -> Result<Self> {
        let grid = clusters.grid;
        let maps: Vec<RgbImage> =
            clusters.classes.iter().flat_map(|class| &class.clusters).map(|cluster| painted(cluster, grid)).collect();
        let means = if maps.is_empty() { None } else { Some(Sprite::of(&maps, 10)?) };
        Ok(Self { clusters, means })
    }

    /// The numbers of the pictures that are shown.
    pub fn shown(&self) -> Vec<usize> {
        let nearest =
            self.clusters.classes.iter().flat_map(|class| &class.clusters).flat_map(|cluster| &cluster.nearest);
        nearest.map(|&at| self.clusters.members[at].number as usize).collect()
    }

    /// The rule of a style sheet that holds the mean maps.
    pub(super) fn rule(&self) -> String {
        let rule = |sprite: &Sprite| format!(".mean{{background-image:url({});{}}}", sprite.address, sprite.shape());
        self.means.as_ref().map_or(String::new(), rule)
    }
}

/// A mean map, the largest value of which is 1.
fn painted(cluster: &Cluster, grid: [usize; 2]) -> RgbImage {
    let largest = cluster.mean.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let map: Vec<f32> = cluster.mean.iter().map(|value| (value / largest) as f32).collect();
    let map = enlarge(&map, grid, [SIDE; 2]);
    RgbImage::from_fn(SIDE as u32, SIDE as u32, |x, y| Rgb(Palette::Heat.color(map[y as usize * SIDE + x as usize])))
}

pub(super) fn draw(grouped: &Grouped, judged: Option<&Judged>) -> Markup {
    let clusters = &grouped.clusters;
    let [rows, columns, channels] = clusters.layer_shape;
    let mut first = 0;
    let firsts: Vec<usize> = clusters
        .classes
        .iter()
        .map(|class| {
            first += class.clusters.len();
            first - class.clusters.len()
        })
        .collect();
    html! {
        @if clusters.verdicts.is_empty() && clusters.is_judged() {
            p { b { "No class looks at a corner or border that the others do not look at." } }
        } @else if !clusters.verdicts.is_empty() {
            ul class="verdicts" { @for verdict in &clusters.verdicts { li { b { (verdict.text) } } } }
        }
        p {
            "Heat maps (" (clusters.method) ") of " (clusters.members.len()) " pictures, each for its own class, at layer " code { (clusters.layer) }
            " (" (rows) "×" (columns) "×" (channels) "), grouped by where they are hot. Beside each group's mean map stand the pictures whose "
            "maps are the most like it."
        }
        @for note in &clusters.notes { p class="hint" { (note) } }
        div class="groups" { @for (class, &first) in clusters.classes.iter().zip(&firsts) {
            section aria-label=(class.class) {
                h3 { (class.class) }
                @if class.blank > 0 { p class="hint" { (class.blank) " of " (class.pictures + class.blank) " maps are blank." } }
                ul { @for (number, cluster) in class.clusters.iter().enumerate().take(SHOWN) { li {
                    (mean(grouped, first + number, cluster))
                    div {
                        p { (percent(cluster.share)) ", " (cluster.pictures) @if cluster.pictures == 1 { " picture" } @else { " pictures" } }
                        @if let (Some(place), Some(mass)) = (cluster.place, cluster.mass) {
                            p class="hint" { (percent(mass)) " in " (place) }
                        }
                        @if let Some(judged) = judged {
                            div class="few" { @for &at in &cluster.nearest { (picture(judged, clusters.members[at].number as usize)) } }
                        }
                    }
                } } }
                @if class.clusters.len() > SHOWN { p class="hint" { "and " (class.clusters.len() - SHOWN) " smaller groups" } }
            }
        } }
    }
}

fn mean(grouped: &Grouped, at: usize, cluster: &Cluster) -> Markup {
    let Some(sprite) = &grouped.means else { return html! {} };
    let says = format!("Mean heat map of {} pictures", cluster.pictures);
    html! { span class="mean" role="img" style={ "background-position:" (sprite.place(at)) } aria-label=(says) {} }
}
