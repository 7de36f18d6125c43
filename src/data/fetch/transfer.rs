//! The download itself: HTTP with ranges.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use ureq::http::{Response, StatusCode, header};
use ureq::{Agent, Body, Proxy};

use super::Archive;
use crate::error::{Error, Result};

/// Requests for one download: a server that stops again and again is asked no more often.
const ATTEMPTS: usize = 100;
/// How long nothing may arrive.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes that arrive in that time at the least: 1 KiB a second, at which any of the archives takes days.
const LEAST: u64 = 60 << 10;

/// How fast bytes arrive.
#[derive(Default)]
pub struct Pace {
    /// Since the download began, and what had arrived by then.
    since: Duration,
    bytes: u64,
}

impl Pace {
    /// Whether it is still worth waiting, `now` after the download began, when `bytes` have arrived in all.
    pub fn holds(&mut self, now: Duration, bytes: u64) -> bool {
        if now < self.since + PATIENCE {
            return true;
        }
        let enough = bytes >= self.bytes + LEAST;
        (self.since, self.bytes) = (now, bytes);
        enough
    }
}

/// Completes the file `part` to the archive's size.
pub(super) fn download(archive: &Archive, part: &Path, progress: &mut dyn FnMut(u64)) -> Result<()> {
    let refuse = |e| Error::file(part, e);
    let mut file = OpenOptions::new().create(true).append(true).open(part).map_err(refuse)?;
    let length = |file: &File| file.metadata().map(|data| data.len()).map_err(refuse);
    if length(&file)? > archive.size {
        // Of another version of the archive, or of something else.
        file.set_len(0).map_err(refuse)?;
    }
    for _ in 0..ATTEMPTS {
        let before = length(&file)?;
        progress(before);
        if before == archive.size {
            return file.sync_all().map_err(refuse);
        }
        let stopped = attempt(archive, &mut file, before, progress).map_err(|error| match error {
            Failure::Server(what) => Error::file(&archive.url, what),
            Failure::Disk(error) => refuse(error),
        })?;
        let after = length(&file)?;
        // A connection that brought something is worth another.
        if after != archive.size && after <= before {
            let what = format!(
                "stopped at {after} of {} bytes ({stopped}); run the command again to go on from there",
                archive.size
            );
            return Err(Error::file(&archive.url, what));
        }
    }
    Err(Error::file(&archive.url, format!("stopped {ATTEMPTS} times; run the command again to go on from there")))
}

/// Why an attempt is the last.
enum Failure {
    /// What the server did, as the rest of a sentence.
    Server(String),
    Disk(std::io::Error),
}

/// Appends to `file`, which has `have` bytes, what one connection brings. Returns why that ended, which may be all of it.
fn attempt(
    archive: &Archive,
    file: &mut File,
    have: u64,
    progress: &mut dyn FnMut(u64),
) -> std::result::Result<String, Failure> {
    let mut request = agent(&archive.url).get(&archive.url);
    if have > 0 {
        request = request.header(header::RANGE, format!("bytes={have}-"));
    }
    let response = request.call().map_err(|e| {
        Failure::Server(match e {
            ureq::Error::BadUri(what) => format!("is no address that can be fetched: {what}"),
            other => format!("cannot be fetched: {other}; check the connection or name a mirror with ‹from›"),
        })
    })?;
    let mut at = start(&response, archive, have).map_err(Failure::Server)?;
    if at != have {
        file.set_len(at).map_err(Failure::Disk)?;
    }
    let mut body = response.into_body().into_reader();
    let mut buffer = vec![0; 1 << 16];
    let (began, first, mut pace) = (Instant::now(), at, Pace::default());
    loop {
        if !pace.holds(began.elapsed(), at - first) {
            let what = "sends less than 1 KiB a second; run the command again to go on from there, or name a mirror with ‹from›";
            return Err(Failure::Server(what.into()));
        }
        // Never more than is missing: what a server sends beyond it is not the archive.
        let room = buffer.len().min((archive.size - at) as usize);
        if room == 0 {
            return Ok("complete".into());
        }
        match body.read(&mut buffer[..room]) {
            Ok(0) => return Ok("the server closed the connection".into()),
            Ok(count) => {
                file.write_all(&buffer[..count]).map_err(Failure::Disk)?;
                at += count as u64;
                progress(at);
            }
            Err(e) => return Ok(e.to_string()),
        }
    }
}

/// Where in the archive the response's body begins.
fn start(response: &Response<Body>, archive: &Archive, have: u64) -> std::result::Result<u64, String> {
    let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let sized = |total: Option<u64>| match total {
        Some(total) if total != archive.size => {
            Err(format!("has {total} bytes, expected {}: it is not the published file", archive.size))
        }
        _ => Ok(()),
    };
    match response.status() {
        StatusCode::OK => {
            // The whole, whatever was asked for.
            sized(text(header::CONTENT_LENGTH).and_then(|length| length.parse().ok()))?;
            Ok(0)
        }
        StatusCode::PARTIAL_CONTENT => {
            let range = text(header::CONTENT_RANGE).and_then(|range| range.strip_prefix("bytes "));
            let (range, total) = range.and_then(|range| range.split_once('/')).unwrap_or_default();
            sized(total.parse().ok())?;
            let first = range.split('-').next().and_then(|first| first.parse().ok());
            first.filter(|&first| first == have).ok_or_else(|| {
                format!("answers with the range {range:?} where bytes from {have} on were asked for; name a mirror with ‹from›")
            })
        }
        status => Err(format!("answers {status}; check the address or name a mirror with ‹from›")),
    }
}

/// A client that follows redirections, waits a minute at most and knows the system's proxy.
fn agent(url: &str) -> Agent {
    // No proxy reaches this machine's own addresses.
    let local = ["://localhost", "://127.", "://[::1]"].iter().any(|host| url.contains(host));
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .proxy(if local { None } else { Proxy::try_from_env() })
        .timeout_connect(Some(PATIENCE))
        .timeout_recv_response(Some(PATIENCE))
        .timeout_per_read(Some(PATIENCE))
        .user_agent(concat!("warptape/", env!("CARGO_PKG_VERSION")));
    config.build().into()
}
