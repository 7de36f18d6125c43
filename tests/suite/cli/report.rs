//! `warptape report`: a page that is whole, says what the run's files say, fetches nothing, and has a sentence for all that is missing.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::command::{EPOCHS, TEST, copy, copy_of_run, device, fails, quick, shared, succeeds};

/// Elements of HTML that have no end.
const VOID: [&str; 5] = ["meta", "link", "input", "br", "hr"];
/// Numbers that are measured while the page is made stand in elements of this class.
const MEASURED: &str = "measured\"";

/// The page of `run`, and what the command says.
fn page(run: &Path, words: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("page.html");
    let (run, name, device) = (run.to_str().unwrap(), out.to_str().unwrap(), device());
    let said = succeeds(&[&["report", run, "--out", name, "--device", &device], words].concat());
    assert!(said.contains("to be opened in a browser"), "{said}");
    fs::read_to_string(out).unwrap()
}

/// Asserts that every element ends where it should, and that nothing is named twice, fetched, or not a number.
fn sound(page: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut ids = std::collections::HashSet::new();
    // Without the texts of scripts and styles, which are no elements.
    let mut bare = String::new();
    let mut rest = page.strip_prefix("<!DOCTYPE html>").unwrap();
    while let Some(at) = rest.find('<') {
        let end = at + rest[at..].find('>').expect("a tag ends");
        let tag = &rest[at + 1..end];
        bare += &rest[..end];
        rest = &rest[end + 1..];
        let name = tag.trim_start_matches('/').split(' ').next().unwrap();
        if let Some(ended) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(ended), "after {}", rest.chars().take(80).collect::<String>());
        } else if !VOID.contains(&name) {
            open.push(name);
        }
        if let Some(id) = tag.split(" id=\"").nth(1).and_then(|id| id.split('"').next()) {
            assert!(ids.insert(id), "{id} is there twice");
        }
        if ["script", "style"].contains(&tag) {
            rest = &rest[rest.find(&format!("</{tag}>")).unwrap()..];
        }
    }
    assert!(open.is_empty(), "{open:?}");
    for part in page.split("href=\"").skip(1) {
        let target = part.split('"').next().unwrap();
        assert!(target == "data:," || ids.contains(target.strip_prefix('#').unwrap()), "{target}");
    }
    assert!(page.split("url(").skip(1).all(|address| address.starts_with("data:image/jpeg;base64,")));
    for word in ["http://", "https://", " src=", "@import", "NaN", ">inf"] {
        assert!(!bare.contains(word), "{word}");
    }
    let script = page.split("<script>").nth(1).unwrap().split("</script>").next().unwrap();
    let hash = STANDARD.encode(Sha256::digest(script));
    assert!(page.contains("default-src 'none'") && page.contains(&format!("script-src 'sha256-{hash}'")));
}

/// What stands between `begin` and `end`.
fn between<'a>(page: &'a str, begin: &str, end: &str) -> &'a str {
    page.split_once(begin).unwrap_or_else(|| panic!("no {begin}")).1.split_once(end).unwrap().0
}

/// The body of a section.
fn section<'a>(page: &'a str, id: &str) -> &'a str {
    between(page, &format!("<section id=\"{id}\""), "</h2>");
    page.split_once(&format!("<section id=\"{id}\"")).unwrap().1.split("<section id=").next().unwrap()
}

/// The numbers behind the cells of `part`, in order.
fn numbers(part: &str) -> Vec<f64> {
    part.split("data-v=\"").skip(1).map(|cell| cell.split('"').next().unwrap().parse().unwrap()).collect()
}

const SECTIONS: [&str; 11] = [
    "curves",
    "classes",
    "confusion",
    "mistakes",
    "doubts",
    "heat",
    "trust",
    "clusters",
    "plane",
    "network",
    "settings",
];

#[test]
fn page_of_a_run_says_what_its_files_say() {
    let run = &shared().run;
    let text = page(run, &[]);
    sound(&text);
    SECTIONS.iter().for_each(|id| assert!(!section(&text, id).contains("There is nothing to show"), "{id}"));
    assert!(!text.contains("id=\"comparison\"") && text.len() < 1 << 20, "{} bytes", text.len());

    // The table of epochs is metrics.csv.
    let table = between(section(&text, "curves"), "<caption>Each epoch</caption>", "</table>");
    let mut reader = csv::Reader::from_path(run.join("metrics.csv")).unwrap();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let columns = [0, 2, 3, 4, 5, 6, 7];
    let expected: Vec<f64> =
        rows.iter().flat_map(|row| columns.map(|column| row[column].parse::<f64>().unwrap())).collect();
    assert_eq!(numbers(table), expected);
    let judged: Vec<&csv::StringRecord> = rows.iter().filter(|row| &row[1] == "val").collect();
    let percent = |row: &csv::StringRecord| format!("{:.1}\u{a0}%", 100.0 * row[3].parse::<f64>().unwrap());
    let last = percent(judged[judged.len() - 1]);
    assert!(section(&text, "curves").contains(&format!("val {last}</text>")), "a label at the line's end: {last}");

    // Scores and confusion are eval's.
    let eval: Value =
        serde_json::from_str(&succeeds(&["eval", run.to_str().unwrap(), "--device", &device(), "--json"])).unwrap();
    let names: Vec<&str> = eval["names"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let scores = numbers(section(&text, "classes"));
    for (at, name) in names.iter().enumerate() {
        let expected = &eval["report"]["classes"][name];
        let keys = ["precision", "recall", "f1-score", "support"];
        assert_eq!(scores[4 * at..][..4], keys.map(|key| expected[key].as_f64().unwrap()), "{name}");
    }
    for (truth, row) in eval["confusion"].as_array().unwrap().iter().enumerate() {
        for (predicted, count) in row.as_array().unwrap().iter().map(|count| count.as_u64().unwrap()).enumerate() {
            let panel = format!("<section class=\"panel\" id=\"cell-{truth}-{predicted}\"");
            assert_eq!(text.contains(&panel), count > 0, "{truth} {predicted}");
            if count > 0 {
                let shown = between(&text, &panel, "</section>").matches("class=\"t\"").count() as u64;
                assert_eq!(shown, count.min(12));
            }
        }
    }
    // A frame for each method and epoch, the one before the first step among them; a point for each picture.
    assert_eq!(text.matches("<figure class=\"frame").count(), 4 * (EPOCHS as usize + 1));
    assert_eq!(section(&text, "plane").matches("<use ").count(), TEST);
    assert!(section(&text, "network").contains("Conv2d 3 → 32, 3×3, padding 1"));
    // The nine methods of `trust` and two controls, judged on all 15; what the commands of those sections say is tested with these.
    assert_eq!(section(&text, "trust").matches("of 15</td>").count(), 11);
    assert!(
        section(&text, "clusters").contains("class=\"mean\"") && section(&text, "doubts").contains("Near-duplicates")
    );
    assert!(section(&text, "settings").contains("<code>batch_size</code></th><td>8</td><td>yes</td>"));
}

#[test]
fn same_run_makes_the_same_page_but_for_measured_times() {
    // What is measured ends where its element does, which is a cell of the table or a sentence before it.
    let timeless = |page: String| -> String {
        let mut parts = page.split(MEASURED);
        let first = parts.next().unwrap().to_owned();
        let rest = |part: &str| part.split_once("</td>").or_else(|| part.split_once("</p>")).unwrap().1.to_owned();
        parts.fold(first, |page, part| page + &rest(part))
    };
    let words = ["--methods", "gradcam++", "--images", "test:1,2", "--epochs", "1,3"];
    let pages = [page(&shared().run, &words), page(&shared().run, &words)].map(timeless);
    assert!(pages[0] == pages[1]);
    assert_eq!(pages[0].matches("<figure class=\"frame").count(), 2);
    assert!(!pages[0].contains(">Grad-CAM<"), "only one method was asked for");
    let bare = page(&shared().run, &["--no-embed", "--no-trust", "--epochs", "4"]);
    assert!(section(&bare, "plane").contains("made with --no-embed"));
    assert!(section(&bare, "trust").contains("made with --no-trust"));
}

#[test]
fn what_a_run_lacks_is_said_in_a_sentence() {
    // Killed before its first checkpoint.
    let (_folder, run) = copy_of_run();
    fs::remove_dir_all(run.join("checkpoints")).unwrap();
    fs::remove_file(run.join("steps.csv")).unwrap();
    let text = page(&run, &[]);
    sound(&text);
    for id in SECTIONS.into_iter().filter(|id| !["curves", "settings"].contains(id)) {
        assert!(section(&text, id).contains("The run has no checkpoint yet"), "{id}");
    }
    assert!(section(&text, "curves").contains("The run has no steps.csv"));
    fs::remove_file(run.join("metrics.csv")).unwrap();
    assert!(section(&page(&run, &[]), "curves").contains("No epoch is over"));

    // One epoch, of pictures that are gone since.
    let folder = tempfile::tempdir().unwrap();
    let (data, run) = (folder.path().join("photos"), folder.path().join("run"));
    photos(&data, &["a<b> & \"c\"", "plain"]);
    let spec = format!("folder:{}", data.display());
    succeeds(&quick(&["--data", &spec, "--image-size", "32", "--epochs", "1", "--out", run.to_str().unwrap()]));
    let text = page(&run, &[]);
    sound(&text);
    assert!(text.contains("a&lt;b&gt; &amp; ") && section(&text, "plane").contains("<use "), "names are escaped");
    assert!(section(&text, "curves").contains(" at epoch 1."), "one epoch neither rises nor falls");
    fs::remove_dir_all(&data).unwrap();
    let text = page(&run, &[]);
    sound(&text);
    for id in ["classes", "confusion", "mistakes", "doubts", "trust", "clusters", "plane"] {
        assert!(section(&text, id).contains("There is nothing to show: "), "{id}");
    }
    assert!(section(&text, "heat").contains("No pictures of the run's data are at hand"));
    assert!(section(&text, "network").contains("Conv2d"));
}

/// Two pictures of each of the classes `names` for each part, in a folder that is divided already.
fn photos(folder: &Path, names: &[&str]) {
    for (class, name) in names.iter().enumerate() {
        for (part, count) in [("train", 8), ("test", 2)] {
            let folder = folder.join(part).join(name);
            fs::create_dir_all(&folder).unwrap();
            for at in 0..count {
                let shade = |x: u32, y: u32| (x * 7 + y * 3 * (class as u32 + 1) + at * 31 + count) as u8;
                let picture =
                    image::RgbImage::from_fn(32, 32, |x, y| image::Rgb([shade(x, y), shade(y, x), 40 * at as u8]));
                picture.save(folder.join(format!("{at}.png"))).unwrap();
            }
        }
    }
}

#[test]
fn several_runs_are_compared_on_one_page() {
    let folder = tempfile::tempdir().unwrap();
    let [first, second] = ["first", "second"].map(|name| folder.path().join(name));
    copy(&shared().run, &first);
    let words = ["--seed", "5", "--epochs", "2", "--lr", "0.01", "--out", second.to_str().unwrap()];
    succeeds(&quick(&words));
    let runs = [&first, &second].map(|run| run.to_str().unwrap());
    succeeds(&["report", runs[0], runs[1], "--device", &device(), "--no-embed", "--no-trust", "--epochs", "1"]);
    let text = fs::read_to_string(folder.path().join("report.html")).unwrap();
    sound(&text);
    let comparison = section(&text, "comparison");
    assert!(comparison.contains("<code>lr</code></th><td>0.002</td><td>0.01</td>"), "what differs");
    assert!(!comparison.contains("<code>model</code>"), "what does not");
    assert!(comparison.contains(">first<") && comparison.contains(">second<") && comparison.contains("run 2 "));
    assert!(comparison.contains("All that follows is about the first run, first."));

    let (data, other) = (folder.path().join("photos"), folder.path().join("other"));
    photos(&data, &["one", "two"]);
    let spec = format!("folder:{}", data.display());
    succeeds(&quick(&["--data", &spec, "--image-size", "32", "--epochs", "1", "--out", other.to_str().unwrap()]));
    fails(&["report", runs[0], other.to_str().unwrap()], 1, &["knows other classes than the first run"]);
}

#[test]
fn mistakes_get_one_line() {
    let run = shared().run.to_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().to_str().unwrap();
    fails(&["report"], 2, &["<RUN>"]);
    fails(&["report", "no/such/run"], 1, &["no/such/run", "no such folder; name a run's folder"]);
    fails(&["report", empty], 1, &["is not a run directory"]);
    fails(&["report", &format!("{run}@99")], 1, &["has no checkpoint 'epoch-0099'"]);
    fails(&["report", run, "--methods", "gradcam,magic"], 2, &["unknown method 'magic'"]);
    fails(&["report", run, "--out", empty], 1, &["is a folder; --out wants the name of a file"]);
    let device = device();
    let asked = |words: &[&str], parts: &[&str]| {
        let out = folder.path().join("page.html");
        let all = [&["report", run, "--device", &device, "--out", out.to_str().unwrap()], words].concat();
        fails(&all, if parts.is_empty() { 1 } else { 2 }, parts);
        assert!(!out.exists());
    };
    asked(&["--images", "test:999"], &["999 is beyond the last"]);
    asked(&["--epochs", "1,x"], &["'x' is not a number"]);
}
