//! Downloads, from a server in this process: whole, interrupted, resumed, damaged, refused.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use md5::{Digest, Md5};
use std::time::Duration;
use tempfile::TempDir;

use warptape::data::fetch::{Archive, Outcome, fetch};
use warptape::download::transfer::Pace;

use crate::data::files::{message, says};
use crate::support::contents;

/// A tar archive of `files`, compressed. Names go in as they are, good or bad.
fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none()));
    for (name, contents) in files {
        let mut header = tar::Header::new_gnu();
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(contents.len() as u64);
        header.set_mode(0o644);
        header.set_entry_type(if name.ends_with('/') { tar::EntryType::Directory } else { tar::EntryType::Regular });
        header.set_cksum();
        archive.append(&header, *contents).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

fn good() -> Vec<u8> {
    let noise: Vec<u8> = (0..300_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    packed(&[("set/", b""), ("set/a.bin", &noise), ("./set/b.txt", b"hello")])
}

pub fn archive(url: String, bytes: &[u8]) -> Archive {
    let md5 = Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let files = vec!["a.bin".into(), "b.txt".into()];
    Archive { name: "set.tar.gz".into(), url, size: bytes.len() as u64, md5, folder: "set".into(), files }
}

/// What a request asked for: the first byte.
pub type Asked = Option<u64>;
/// What a server does with a request.
pub type Answer = Box<dyn Fn(Asked, &mut TcpStream) + Send>;

/// Serves one answer for each of `answers`, in order, then stops. Yields the URL and, when it is through, what was asked.
pub fn serve(answers: Vec<Answer>) -> (String, JoinHandle<Vec<Asked>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/set.tar.gz", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let answer = |answer: Answer| {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = None;
            for line in BufReader::new(stream.try_clone().unwrap()).lines() {
                let line = line.unwrap().to_ascii_lowercase();
                if line.is_empty() {
                    break;
                }
                let range = line.strip_prefix("range: bytes=").and_then(|range| range.strip_suffix('-'));
                asked = range.map(|first| first.parse().unwrap()).or(asked);
            }
            answer(asked, &mut stream);
            asked
        };
        answers.into_iter().map(answer).collect()
    });
    (url, thread)
}

/// Sends the range that was asked for, but no more than `most` bytes of it.
pub fn ranged(bytes: Vec<u8>, most: usize) -> Answer {
    Box::new(move |asked, stream| {
        let (first, total) = (asked.unwrap_or(0) as usize, bytes.len());
        let left = total - first;
        let head = match asked {
            None => format!("HTTP/1.1 200 OK\r\nContent-Length: {left}\r\n\r\n"),
            Some(_) => format!(
                "HTTP/1.1 206 Partial Content\r\nContent-Length: {left}\r\nContent-Range: bytes {first}-{}/{total}\r\n\r\n",
                total - 1
            ),
        };
        stream.write_all(head.as_bytes()).unwrap();
        let _ = stream.write_all(&bytes[first..total.min(first.saturating_add(most))]);
    })
}

/// Sends `head` and `body`, whatever was asked for.
pub fn fixed(head: &str, body: &[u8]) -> Answer {
    let whole = [head.as_bytes(), b"\r\n\r\n", body].concat();
    Box::new(move |_, stream| drop(stream.write_all(&whole)))
}

#[test]
fn a_whole_download_is_unpacked_and_not_repeated() {
    let folder = TempDir::new().unwrap();
    let to = folder.path().join("new/folder");
    let bytes = good();
    let (url, server) = serve(vec![ranged(bytes.clone(), usize::MAX)]);
    let archive = archive(url, &bytes);
    let mut seen = Vec::new();
    assert_eq!(fetch(&archive, &to, &mut |at| seen.push(at)).unwrap(), Outcome::Fetched);
    assert_eq!(server.join().unwrap(), [None]);
    assert!(seen.is_sorted() && seen[0] == 0 && *seen.last().unwrap() == archive.size, "{seen:?}");
    assert_eq!(contents(&to), ["set", "set.tar.gz"]);
    assert_eq!(contents(&to.join("set")), ["a.bin", "b.txt"]);
    assert_eq!(fs::read(to.join("set/b.txt")).unwrap(), b"hello");
    // The server is gone: nothing asks for it again.
    let again = |archive: &Archive| fetch(archive, &to, &mut |_| panic!("a download")).unwrap();
    assert_eq!(again(&archive), Outcome::AlreadyThere);
    fs::write(to.join("set/mine.txt"), "kept").unwrap();
    fs::remove_file(to.join("set/a.bin")).unwrap();
    assert_eq!(again(&archive), Outcome::Unpacked);
    assert_eq!(contents(&to.join("set")), ["a.bin", "b.txt", "mine.txt"]);
}

#[test]
fn an_interrupted_download_goes_on_by_itself() {
    let folder = TempDir::new().unwrap();
    let bytes = good();
    let cut = |most| ranged(bytes.clone(), most);
    let (url, server) = serve(vec![cut(100_000), cut(1), cut(150_000), cut(usize::MAX)]);
    assert_eq!(fetch(&archive(url, &bytes), folder.path(), &mut |_| {}).unwrap(), Outcome::Fetched);
    assert_eq!(server.join().unwrap(), [None, Some(100_000), Some(100_001), Some(250_001)]);
}

#[test]
fn the_next_call_goes_on_from_what_is_there() {
    let folder = TempDir::new().unwrap();
    let bytes = good();
    let (url, server) = serve(vec![ranged(bytes.clone(), 70_000), ranged(bytes.clone(), 0)]);
    let parts = ["stopped at 70000 of", "run the command again to go on from there"];
    says(fetch(&archive(url, &bytes), folder.path(), &mut |_| {}), &parts);
    assert_eq!(server.join().unwrap(), [None, Some(70_000)]);
    assert_eq!(contents(folder.path()), ["set.tar.gz.part"]);
    let (url, server) = serve(vec![ranged(bytes.clone(), usize::MAX)]);
    let mut seen = Vec::new();
    assert_eq!(fetch(&archive(url, &bytes), folder.path(), &mut |at| seen.push(at)).unwrap(), Outcome::Fetched);
    assert_eq!((server.join().unwrap(), seen[0]), (vec![Some(70_000)], 70_000));
}

#[test]
fn a_server_without_ranges_starts_over() {
    let folder = TempDir::new().unwrap();
    let bytes = good();
    fs::write(folder.path().join("set.tar.gz.part"), [7; 1000]).unwrap();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}", bytes.len());
    let (url, server) = serve(vec![fixed(&head, &bytes)]);
    assert_eq!(fetch(&archive(url, &bytes), folder.path(), &mut |_| {}).unwrap(), Outcome::Fetched);
    assert_eq!(server.join().unwrap(), [Some(1000)]);
    // One that says nothing of the length is read to its end.
    fs::remove_dir_all(folder.path().join("set")).unwrap();
    fs::remove_file(folder.path().join("set.tar.gz")).unwrap();
    let (url, _server) = serve(vec![fixed("HTTP/1.1 200 OK\r\nConnection: close", &bytes)]);
    assert_eq!(fetch(&archive(url, &bytes), folder.path(), &mut |_| {}).unwrap(), Outcome::Fetched);
}

#[test]
fn a_damaged_download_is_named_and_removed() {
    let folder = TempDir::new().unwrap();
    let bytes = good();
    let mut damaged = bytes.clone();
    damaged[5000] ^= 1;
    let (found, expected) = (archive(String::new(), &damaged).md5, archive(String::new(), &bytes).md5);
    let (url, server) = serve(vec![ranged(damaged.clone(), usize::MAX), ranged(bytes.clone(), usize::MAX)]);
    let archive = archive(url, &bytes);
    let parts = [format!("MD5 {found}, expected {expected}"), "fetch again".into()];
    says(fetch(&archive, folder.path(), &mut |_| {}), &[&parts[0], &parts[1]]);
    assert_eq!(contents(folder.path()), [""; 0]);
    assert_eq!(fetch(&archive, folder.path(), &mut |_| {}).unwrap(), Outcome::Fetched);
    assert_eq!(server.join().unwrap(), [None, None]);
    // A file that somebody else put there is theirs to remove.
    fs::remove_dir_all(folder.path().join("set")).unwrap();
    fs::write(folder.path().join("set.tar.gz"), &damaged).unwrap();
    says(fetch(&archive, folder.path(), &mut |_| {}), &["set.tar.gz: has MD5", "move it away"]);
    fs::write(folder.path().join("set.tar.gz"), &bytes[..99]).unwrap();
    says(fetch(&archive, folder.path(), &mut |_| {}), &["has 99 bytes, expected"]);
    assert_eq!(contents(folder.path()), ["set.tar.gz"]);
}

#[test]
fn a_file_of_another_size_is_refused_before_it_is_read() {
    let folder = TempDir::new().unwrap();
    let bytes = good();
    let case = |head: &str, body: &[u8], parts: &[&str]| {
        let (url, server) = serve(vec![fixed(head, body)]);
        says(fetch(&archive(url.clone(), &bytes), folder.path(), &mut |_| {}), &[&[&*url], parts].concat());
        server.join().unwrap()
    };
    case(
        "HTTP/1.1 200 OK\r\nContent-Length: 12",
        b"<html>sorry</html>",
        &["has 12 bytes, expected", "not the published"],
    );
    case("HTTP/1.1 404 Not Found\r\nContent-Length: 0", b"", &["answers 404 Not Found", "‹from›"]);
    case("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0", b"", &["answers 503"]);
    case("HTTP/1.1 200 OK\r\nConnection: close", b"", &["stopped at 0 of"]);
    case("GARBAGE", b"", &["cannot be fetched"]);
    fs::write(folder.path().join("set.tar.gz.part"), &bytes[..10]).unwrap();
    let asked = case(
        "HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\nContent-Range: bytes 0-4/*",
        b"hello",
        &["range \"0-4\" where bytes from 10 on were asked for"],
    );
    assert_eq!(asked, [Some(10)]);
    assert_eq!(fs::read(folder.path().join("set.tar.gz.part")).unwrap(), &bytes[..10], "what is good stays");
    // A part that is longer than the archive is of something else.
    fs::write(folder.path().join("set.tar.gz.part"), vec![0; bytes.len() + 1]).unwrap();
    let (url, server) = serve(vec![ranged(bytes.clone(), usize::MAX)]);
    assert_eq!(fetch(&archive(url, &bytes), folder.path(), &mut |_| {}).unwrap(), Outcome::Fetched);
    assert_eq!(server.join().unwrap(), [None]);
}

#[test]
fn a_server_that_sends_more_is_not_followed() {
    let folder = TempDir::new().unwrap();
    let bytes = good();
    let (url, _server) = serve(vec![fixed("HTTP/1.1 200 OK\r\nConnection: close", &[&bytes[..], &[0; 5000]].concat())]);
    assert_eq!(fetch(&archive(url, &bytes), folder.path(), &mut |_| {}).unwrap(), Outcome::Fetched);
}

#[test]
fn nobody_there_and_nowhere_to_write() {
    let folder = TempDir::new().unwrap();
    let bytes = good();
    // A port that was just given back has no listener.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let refused = archive(format!("http://127.0.0.1:{port}/x"), &bytes);
    says(fetch(&refused, folder.path(), &mut |_| {}), &["cannot be fetched", "‹from›"]);
    says(fetch(&archive("nonsense".into(), &bytes), folder.path(), &mut |_| {}), &["nonsense"]);
    assert_eq!(contents(folder.path()), [""; 0], "no empty file is left");
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    says(fetch(&refused, &file.join("below"), &mut |_| {}), &["below"]);
    fs::create_dir_all(folder.path().join("taken/set.tar.gz.part")).unwrap();
    says(fetch(&refused, &folder.path().join("taken"), &mut |_| {}), &["set.tar.gz.part", "directory"]);
}

#[test]
fn archives_that_reach_out_of_their_folder() {
    let outer = TempDir::new().unwrap();
    for name in ["../harm", "/harm", "set/../../harm", "other/a.bin", "harm", "other/"] {
        let bytes = packed(&[("set/a.bin", b"1"), (name, b""), ("set/b.txt", b"2")]);
        let to = outer.path().join("to");
        fs::create_dir_all(&to).unwrap();
        fs::write(to.join("set.tar.gz"), &bytes).unwrap();
        says(
            fetch(&archive(String::new(), &bytes), &to, &mut |_| {}),
            &["no plain file in set", "nothing was unpacked"],
        );
        assert_eq!((contents(&to), contents(outer.path())), (vec!["set.tar.gz".into()], vec!["to".into()]), "{name}");
    }
    let mut link = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none()));
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    link.append_link(&mut header, "set/a.bin", "/etc/passwd").unwrap();
    let linked = link.into_inner().unwrap().finish().unwrap();
    for (bytes, part) in [
        (linked, "no plain file"),
        (packed(&[("set/a.bin", b"1")]), "holds no set/b.txt"),
        (b"not gzip at all".to_vec(), "cannot be unpacked"),
        (good()[..200_000].to_vec(), "cannot be unpacked"),
    ] {
        let to = TempDir::new().unwrap();
        fs::write(to.path().join("set.tar.gz"), &bytes).unwrap();
        let text = message(fetch(&archive(String::new(), &bytes), to.path(), &mut |_| {}));
        assert!(text.contains(part), "{part:?} is not in: {text}");
        assert_eq!(contents(to.path()), ["set.tar.gz"]);
    }
}

/// A server that drips is not waited for: each minute has to bring its 60 KiB.
#[test]
fn slow_servers() {
    let mut pace = Pace::default();
    let (second, fast) = (Duration::from_secs, |at: u64| 1024 * at);
    assert!((0..60).all(|at| pace.holds(second(at), at)), "a minute is not over");
    assert!(!pace.holds(second(60), 60));
    let mut pace = Pace::default();
    assert!((0..600).all(|at| pace.holds(second(at), fast(at))));
    // One that was fast and drips now.
    let dripping: Vec<u64> = (600..700).filter(|&at| !pace.holds(second(at), fast(600) + at)).collect();
    assert_eq!(dripping, [660]);
}
