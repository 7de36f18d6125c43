//! Weights that are published, from a server in this process: whole, interrupted, resumed, corrupted, redirected, of another size;
//! and without one.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tempfile::TempDir;
use warptape::Environment;
use warptape::weights::published::{KNOWN, Known, Outcome, find, folder};

use crate::command::{fails, quick, refused, shared, succeeds, warptape};
use crate::data::fetch::{Answer, fixed, ranged, serve};
use crate::data::files::{message, says};
use crate::support::contents;

/// What is published here: noise.
fn noise() -> Vec<u8> {
    (0..300_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

/// Weights whose file is `bytes`.
fn known(bytes: &[u8]) -> Known {
    let digits: String = Sha256::digest(bytes).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let size = (bytes.len() as u64 * 1000 + (1 << 19)) >> 20;
    Known { name: "noise", model: "noise", file: format!("noise-{digits}.pth").leak(), size }
}

/// A place without anything: an empty cache and an empty current folder.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(TempDir::new().unwrap());
        ["cache", "here"].iter().for_each(|name| fs::create_dir(place.0.path().join(name)).unwrap());
        place
    }

    fn environment(&self) -> Environment {
        let environment = Environment { current: self.here(""), ..Environment::of_process() };
        environment.with("XDG_CACHE_HOME", self.0.path().join("cache")).with("TORCH_HOME", self.0.path().join("torch"))
    }

    fn here(&self, name: &str) -> PathBuf {
        self.0.path().join("here").join(name)
    }

    fn cache(&self) -> PathBuf {
        folder(&self.environment()).unwrap()
    }

    fn fetch(&self, known: Known, from: &str) -> warptape::Result<(PathBuf, Outcome)> {
        known.fetch(&self.environment(), Some(from), None, &mut |_| {})
    }
}

fn with(bytes: &[u8], answers: Vec<Answer>) -> (Place, Known, String, std::thread::JoinHandle<Vec<Option<u64>>>) {
    let (url, server) = serve(answers);
    (Place::new(), known(bytes), url.replace("/set.tar.gz", "/models/"), server)
}

#[test]
fn a_whole_download_is_kept_and_not_repeated() {
    let bytes = noise();
    let (place, known, url, server) = with(&bytes, vec![ranged(bytes.clone(), usize::MAX)]);
    let (path, outcome) = place.fetch(known, &url).unwrap();
    assert_eq!((outcome, server.join().unwrap()), (Outcome::Fetched, vec![None]));
    assert_eq!((path.clone(), fs::read(&path).unwrap()), (place.cache().join(known.file), bytes));
    assert_eq!(place.fetch(known, &url).unwrap().1, Outcome::AlreadyThere);
    assert_eq!(known.cached(&place.environment()), Some(path.clone()));
    // One that was damaged since is told, and is the user's to remove.
    fs::write(&path, vec![0; 300_000]).unwrap();
    says(place.fetch(known, &url), &[known.file, "has SHA-256", known.digits(), "move it away and fetch again"]);
}

#[test]
fn interrupted_downloads_go_on() {
    let bytes = noise();
    let cut = |most| ranged(bytes.clone(), most);
    let (place, known, url, server) = with(&bytes, vec![cut(100_000), cut(1), cut(usize::MAX)]);
    assert_eq!(place.fetch(known, &url).unwrap().1, Outcome::Fetched);
    assert_eq!(server.join().unwrap(), [None, Some(100_000), Some(100_001)]);
    // By the next call, too.
    let (place, known, url, server) = with(&bytes, vec![cut(70_000), cut(0)]);
    says(place.fetch(known, &url), &["stopped at 70000 of 300000 bytes", "run the command again to go on from there"]);
    assert_eq!(server.join().unwrap(), [None, Some(70_000)]);
    let part = format!("{}.part", known.file);
    assert_eq!(contents(&place.cache()), [&*part]);
    let (url, server) = serve(vec![cut(usize::MAX)]);
    assert_eq!(place.fetch(known, url.trim_end_matches("/set.tar.gz")).unwrap().1, Outcome::Fetched);
    assert_eq!(server.join().unwrap(), [Some(70_000)]);
    // One that was whole but for its name: the server has nothing behind it.
    let path = place.cache().join(known.file);
    fs::rename(&path, place.cache().join(&part)).unwrap();
    let (url, server) = serve(vec![fixed("HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0", b"")]);
    assert_eq!(place.fetch(known, url.trim_end_matches("/set.tar.gz")).unwrap().1, Outcome::Fetched);
    assert_eq!((server.join().unwrap(), fs::read(&path).unwrap()), (vec![Some(300_000)], bytes));
}

#[test]
fn corrupted_downloads_are_removed() {
    let bytes = noise();
    let mut damaged = bytes.clone();
    damaged[5000] ^= 1;
    let (place, known, url, server) = with(&bytes, vec![ranged(damaged, usize::MAX)]);
    let text = message(place.fetch(known, &url));
    let (expected, path) =
        (format!("expected {}…; the download was removed: fetch again", known.digits()), place.cache());
    assert!(text.contains("has SHA-256 ") && text.contains(&expected), "{text}");
    assert!(text.contains(&format!("without a connection put {url}{} at {}", known.file, path.display())), "{text}");
    server.join().unwrap();
    assert_eq!(contents(&path), [""; 0]);
}

#[test]
fn redirections_are_followed() {
    let bytes = noise();
    let (elsewhere, far) = serve(vec![ranged(bytes.clone(), usize::MAX)]);
    let head = format!("HTTP/1.1 302 Found\r\nLocation: {elsewhere}\r\nContent-Length: 0");
    let (place, known, url, near) = with(&bytes, vec![fixed(&head, b"")]);
    assert_eq!(place.fetch(known, &url).unwrap().1, Outcome::Fetched);
    assert_eq!((near.join().unwrap(), far.join().unwrap()), (vec![None], vec![None]));
}

#[test]
fn files_of_another_size_are_refused_before_they_are_read() {
    let bytes = noise();
    for length in [0, 12, 296_000, 304_000, 1u64 << 40] {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}");
        let (place, known, url, server) = with(&bytes, vec![fixed(&head, b"")]);
        let parts = [format!("has {length} bytes, expected 298844 to 300941: it is not the published file")];
        says(place.fetch(known, &url), &[&*parts[0]]);
        server.join().unwrap();
        assert_eq!(contents(&place.cache()), [""; 0], "no empty file is left");
    }
    // One that does not say how much it sends is believed as long as it may be it.
    let (place, known, url, _server) = with(&bytes, vec![fixed("HTTP/1.1 200 OK\r\nConnection: close", &bytes)]);
    assert_eq!(place.fetch(known, &url).unwrap().1, Outcome::Fetched);
    let (place, known, url, server) = with(&bytes, vec![fixed("HTTP/1.1 404 Not Found\r\nContent-Length: 0", b"")]);
    says(place.fetch(known, &url), &["answers 404 Not Found", "‹from›", "‹file›"]);
    server.join().unwrap();
}

#[test]
fn files_of_this_machine_are_taken_and_checked() {
    let bytes = noise();
    let known = known(&bytes);
    let nowhere = "http://127.0.0.1:9/models";
    for torch in [false, true] {
        let place = Place::new();
        let folder = if torch { place.0.path().join("torch/hub/checkpoints") } else { place.here("") };
        fs::create_dir_all(&folder).unwrap();
        let source = folder.join(known.file);
        fs::write(&source, &bytes[1..]).unwrap();
        says(place.fetch(known, nowhere), &[known.file, "it is not torchvision's"]);
        fs::write(&source, &bytes).unwrap();
        assert_eq!(place.fetch(known, nowhere).unwrap().1, Outcome::Taken(source.clone()));
        assert_eq!(fs::read(place.cache().join(known.file)).unwrap(), bytes);
        assert!(source.is_file());
    }
    let place = Place::new();
    let named = place.here("any.name");
    let fetch = || known.fetch(&place.environment(), None, Some(&named), &mut |_| {});
    says(fetch(), &["any.name", "no such file or folder"]);
    fs::write(&named, &bytes).unwrap();
    assert_eq!(fetch().unwrap().1, Outcome::Taken(named.clone()));
}

#[test]
fn names() {
    assert_eq!(find("VGG16-BN").unwrap().name, "vgg16_bn");
    assert_eq!(find("ResNet18").map(Known::digits), Some("f37072fd"));
    assert_eq!(find("resnet1"), None);
    for known in KNOWN {
        assert!(known.digits().len() == 8 && known.digits().chars().all(|digit| digit.is_ascii_hexdigit()));
        warptape::nn::models::check(known.model, 1000, [224, 224]).unwrap();
    }
}

/// The command with an empty cache, in an empty folder.
fn command(folder: &Path, args: &[&str]) -> std::process::Command {
    let mut command = warptape();
    command.args(args).current_dir(folder).env("XDG_CACHE_HOME", folder).env("TORCH_HOME", folder);
    command
}

#[test]
fn the_command_says_what_to_do_without_a_connection() {
    let place = TempDir::new().unwrap();
    let folder = place.path();
    let refuse = |args: &[&str], code, parts: &[&str]| refused(&mut command(folder, args), code, parts);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}/models");
    let put = format!(
        "put {url}/resnet18-f37072fd.pth at {}",
        folder.join("warptape-weights/resnet18-f37072fd.pth").display()
    );
    refuse(&["weights", "fetch", "resnet18", "--from", &url], 1, &["cannot be fetched", &put, "name it with --file"]);
    refuse(&["weights", "fetch", "resnet99"], 2, &["no weights are called 'resnet99': use resnet18, resnet34"]);
    fs::write(folder.join("mine.pth"), b"none").unwrap();
    let parts =
        ["mine.pth", "has 4 bytes, expected 46829404 to 46831501", "it is not torchvision's resnet18-f37072fd.pth"];
    refuse(&["weights", "fetch", "resnet18", "--file", "mine.pth"], 1, &parts);
    let fetch = "fetch them: warptape weights fetch resnet18";
    refuse(&["train", "--weights", "ResNet18", "--model", "resnet18:stem=imagenet"], 1, &[fetch]);
    refuse(&["weights", "info", "resnet18"], 1, &[fetch]);
    fails(&["weights", "info", "resnet1"], 1, &["resnet1", "no such file or folder"]);
    // One of another length in the cache, and files of their name anywhere, are theirs or refused.
    let cached = folder.join("warptape-weights/resnet18-f37072fd.pth");
    fs::create_dir_all(cached.parent().unwrap()).unwrap();
    fs::write(&cached, "short").unwrap();
    let parts = ["is not the published file, whose SHA-256 begins with f37072fd", "warptape weights fetch resnet18"];
    refuse(&["weights", "info", "resnet18"], 1, &parts);
    let run = shared().run.join("checkpoints/best.safetensors");
    fs::copy(&run, folder.join("resnet18-f37072fd.pth")).unwrap();
    let file = "resnet18-f37072fd.pth";
    refuse(&["weights", "info", file], 1, &parts);
    refuse(&["weights", "diff", file, run.to_str().unwrap()], 1, &parts);
    let words = quick(&["--weights", file, "--out", "none"]);
    refuse(&words.iter().map(String::as_str).collect::<Vec<_>>(), 1, &parts);
    let told = succeeds(&["weights", "list"]);
    assert!(told.contains("vgg16_bn  --model vgg16_bn:head=imagenet"), "{told}");
}
