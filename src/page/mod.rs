//! One page about a run, as a single HTML file that needs no network and reads without its script.
//!
//! Who asks the network gathers [`Page`]; here it becomes text, tables, SVG and pictures in `data:` addresses. What a run lacks
//! is no error: the section says in a sentence why it is empty ([`Perhaps`]). The same contents make the same bytes.

mod chart;
mod classes;
mod clusters;
mod confusion;
mod curves;
mod doubts;
mod head;
mod heat;
mod mistakes;
mod network;
mod plane;
mod settings;
mod several;
mod sprite;
mod trust;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

pub use clusters::Grouped;
pub use doubts::shown as shown_doubts;
pub use heat::{Frame, Heat, Looked, Maps, Pictured};
pub use mistakes::Judged;
pub use network::Network;
pub use plane::Plane;
pub use sprite::{Sprite, small};

use crate::explain::trust::Trust;
use crate::mistakes::Mistakes;
use crate::train::logs::metrics::{Row, Split};
use crate::train::logs::steps::Step;
use crate::train::run_info::RunInfo;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// What is there to show, or a sentence that says why there is nothing.
pub type Perhaps<T> = std::result::Result<T, String>;

/// A run's records.
pub struct Run {
    /// What it is called: its folder's name.
    pub name: String,
    /// The epoch of the checkpoint that the page is about, if there is one.
    pub epoch: Option<u32>,
    /// Its `run.json`.
    pub info: RunInfo,
    /// Its `metrics.csv`.
    pub rows: Vec<Row>,
    /// Its `steps.csv`.
    pub steps: Vec<Step>,
}

impl Run {
    /// The rows of the pictures that it is judged by: of validation, else of the test part.
    pub fn judged(&self) -> Vec<&Row> {
        let of = |split: Split| self.rows.iter().filter(move |row| row.split == split).collect::<Vec<_>>();
        [Split::Val, Split::Test].into_iter().map(of).find(|rows| !rows.is_empty()).unwrap_or_default()
    }

    /// A setting as people write it.
    fn setting(&self, key: &str) -> Option<String> {
        self.info.config.get(key).map(settings::written)
    }
}

/// What the page shows.
pub struct Page {
    /// The runs; all but the comparison is about the first.
    pub runs: Vec<Run>,
    /// What the checkpoint says of the pictures that it is judged on.
    pub judged: Perhaps<Judged>,
    /// Which of them may have a wrong class, are hard, or nearly the same.
    pub doubts: Perhaps<Mistakes>,
    /// Where it looks, at many epochs.
    pub heat: Perhaps<Heat>,
    /// Whether that can be believed.
    pub trust: Perhaps<Trust>,
    /// What classes hang on.
    pub grouped: Perhaps<Grouped>,
    /// What its last layer but one makes of the pictures.
    pub plane: Perhaps<Plane>,
    /// What the network is made of.
    pub network: Perhaps<Network>,
}

/// A part of the page.
struct Section {
    id: &'static str,
    heading: &'static str,
    body: Markup,
}

impl Section {
    fn new<T>(id: &'static str, heading: &'static str, of: &Perhaps<T>, body: impl FnOnce(&T) -> Markup) -> Self {
        let body = match of {
            Ok(of) => body(of),
            Err(why) => html! { p class="empty" { (why) } },
        };
        Self { id, heading, body }
    }
}

impl Page {
    /// The file's text.
    pub fn html(&self) -> String {
        let run = &self.runs[0];
        let sections = self.sections(run);
        let hash = STANDARD.encode(Sha256::digest(SCRIPT));
        // Nothing is fetched, sent or framed; of scripts only the one of this page runs.
        let policy = format!(
            "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{hash}'; base-uri 'none'; \
             form-action 'none'"
        );
        let whole = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(policy);
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="referrer" content="no-referrer";
                    title { (run.name) " · warptape" }
                    link rel="icon" href="data:,";
                    style { (PreEscaped(STYLE)) }
                    style { (PreEscaped(self.rules())) }
                }
                body {
                    a class="skip" href="#main" { "To the contents" }
                    (head::draw(self))
                    nav aria-label="Sections" { ul {
                        @for section in &sections { li { a href={ "#" (section.id) } { (section.heading) } } }
                    } }
                    main id="main" {
                        @for section in &sections {
                            section id=(section.id) aria-labelledby={ (section.id) "-heading" } {
                                h2 id={ (section.id) "-heading" } { (section.heading) }
                                (section.body)
                            }
                        }
                    }
                    footer { p {
                        "Made by warptape " (env!("CARGO_PKG_VERSION")) " from the run's folder. The same run makes the same "
                        "page, but for the measured times of layers. The page asks nothing of any network."
                    } }
                    script { (PreEscaped(SCRIPT)) }
                }
            }
        };
        whole.into_string()
    }

    fn sections(&self, run: &Run) -> Vec<Section> {
        let Self { judged, doubts, heat, trust, grouped, plane, network, .. } = self;
        let shown = judged.as_ref().ok();
        let curves = if run.rows.is_empty() && run.steps.is_empty() {
            Err("No epoch is over: the run has neither metrics.csv nor steps.csv with rows in it.".to_owned())
        } else {
            Ok(())
        };
        let wrong = match judged {
            Ok(judged) if judged.report.mistakes.is_empty() => Err(format!(
                "There are none: all {} {} are right.",
                judged.report.sums.count,
                judged.report.part.words()
            )),
            Ok(judged) => Ok(judged),
            Err(why) => Err(why.clone()),
        };
        let mut sections = Vec::new();
        if self.runs.len() > 1 {
            let body = several::draw(&self.runs);
            sections.push(Section { id: "comparison", heading: "Comparison", body });
        }
        sections.extend([
            Section::new("curves", "Curves", &curves, |()| curves::draw(run)),
            Section::new("classes", "Classes", judged, |judged| classes::draw(&judged.report)),
            Section::new("confusion", "Confusion", judged, confusion::draw),
            Section::new("mistakes", "Worst mistakes", &wrong, |judged| mistakes::draw(judged)),
            Section::new("doubts", "Worth a look", doubts, |doubts| doubts::draw(doubts, shown)),
            Section::new("heat", "Where it looks", heat, heat::draw),
            Section::new("trust", "Can it be believed", trust, trust::draw),
            Section::new("clusters", "What classes hang on", grouped, |grouped| clusters::draw(grouped, shown)),
            Section::new("plane", "Map of pictures", plane, |plane| plane::draw(plane, shown)),
            Section::new("network", "Network", network, network::draw),
            Section { id: "settings", heading: "Settings", body: settings::draw(run) },
        ]);
        sections
    }

    /// Rules of the style sheet that hold the pictures.
    fn rules(&self) -> String {
        let thumbnails = self.judged.as_ref().map(|judged| {
            let Sprite { address, .. } = &judged.thumbnails;
            format!(".t{{background-image:url({address});{}}}", judged.thumbnails.shape())
        });
        let heat = self.heat.as_ref().map(Heat::rules);
        let means = self.grouped.as_ref().map(Grouped::rule);
        [thumbnails, heat, means].into_iter().map(Result::unwrap_or_default).collect()
    }
}

/// `75.3 %`, which no line break cuts.
fn percent(share: f64) -> String {
    if share.is_finite() { format!("{:.1}\u{a0}%", 100.0 * share) } else { "–".into() }
}

/// `value` with `digits` decimals, or a dash.
fn number(value: f64, digits: usize) -> String {
    if value.is_finite() { format!("{value:.digits$}") } else { "–".into() }
}

/// `1 234 567`.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let groups = digits.as_bytes().rchunks(3).rev();
    groups.map(|group| String::from_utf8_lossy(group).into_owned()).collect::<Vec<_>>().join("\u{202f}")
}

/// A table that scrolls in a box of its own; `sorted` ones get buttons in their heads by the script. Heads that begin with `>`
/// stand over numbers.
fn table(caption: &str, head: &[&str], rows: &Markup, sorted: bool) -> Markup {
    html! {
        div class="box" tabindex="0" role="region" aria-label=(caption) {
            table class=[sorted.then_some("sorted")] {
                caption { (caption) }
                thead { tr { @for name in head {
                    th scope="col" class=[name.starts_with('>').then_some("n")] { (name.trim_start_matches('>')) }
                } } }
                (rows)
            }
        }
    }
}

/// A cell with a number, which `text` shows; the number itself is beside it for programs and for sorting.
fn cell(value: f64, text: &str) -> Markup {
    html! { td class="n" data-v=[value.is_finite().then_some(value)] { (text) } }
}
