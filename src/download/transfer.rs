//! The download itself: HTTP with ranges.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use ureq::http::{Response, StatusCode, header};
use ureq::{Agent, Body, Proxy};

use super::Published;
use crate::error::{Error, Result};

/// Requests for one download: a server that stops again and again is asked no more often.
const ATTEMPTS: usize = 100;
/// How long nothing may arrive.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes that arrive in that time at the least: 1 KiB a second, at which any of the files takes days.
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

/// Completes the file `part`.
pub(super) fn download(file: &Published, part: &Path, progress: &mut dyn FnMut(u64)) -> Result<()> {
    let refuse = |e| Error::file(part, e);
    let mut target = OpenOptions::new().create(true).append(true).open(part).map_err(refuse)?;
    let length = |file: &File| file.metadata().map(|data| data.len()).map_err(refuse);
    if length(&target)? > file.size.most() {
        // Of another version of the file, or of something else.
        target.set_len(0).map_err(refuse)?;
    }
    let mut total = file.size.exact();
    for _ in 0..ATTEMPTS {
        let before = length(&target)?;
        progress(before);
        if total == Some(before) {
            return target.sync_all().map_err(refuse);
        }
        let stopped = attempt(file, &mut target, before, &mut total, progress).map_err(|error| match error {
            Failure::Server(what) => Error::file(&file.url, what),
            Failure::Disk(error) => refuse(error),
        })?;
        let after = length(&target)?;
        // A connection that brought something is worth another.
        if total != Some(after) && after <= before {
            let of = total.map_or_else(|| file.size.to_string(), |total| total.to_string());
            let what =
                format!("stopped at {after} of {of} bytes ({stopped}); run the command again to go on from there");
            return Err(Error::file(&file.url, what));
        }
    }
    Err(Error::file(&file.url, format!("stopped {ATTEMPTS} times; run the command again to go on from there")))
}

/// Why an attempt is the last.
enum Failure {
    /// What the server did, as the rest of a sentence.
    Server(String),
    Disk(std::io::Error),
}

/// Appends to `target`, which has `have` bytes, what one connection brings. Returns why that ended, which may be all of it. How
/// many bytes there are in all is learned from the server if it is not known.
fn attempt(
    file: &Published,
    target: &mut File,
    have: u64,
    total: &mut Option<u64>,
    progress: &mut dyn FnMut(u64),
) -> std::result::Result<String, Failure> {
    let mut request = agent(&file.url).get(&file.url);
    if have > 0 {
        request = request.header(header::RANGE, format!("bytes={have}-"));
    }
    let response = request.call().map_err(|e| {
        Failure::Server(match e {
            ureq::Error::BadUri(what) => format!("is no address that can be fetched: {what}"),
            other => format!("cannot be fetched: {other}; check the connection or name a mirror with ‹from›"),
        })
    })?;
    if response.status() == StatusCode::RANGE_NOT_SATISFIABLE && total.is_none() && file.size.fits(have) {
        *total = Some(have);
        return Ok("complete".into());
    }
    let (mut at, told) = start(&response, file, have).map_err(Failure::Server)?;
    *total = total.or(told);
    if at != have {
        target.set_len(at).map_err(Failure::Disk)?;
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
        let room = buffer.len().min((total.unwrap_or(file.size.most()) - at) as usize);
        if room == 0 {
            return Ok("complete".into());
        }
        match body.read(&mut buffer[..room]) {
            Ok(0) => {
                // One that does not say how much it has is through where that is as much as it should be.
                *total = total.or(Some(at).filter(|&at| file.size.fits(at)));
                return Ok("the server closed the connection".into());
            }
            Ok(count) => {
                target.write_all(&buffer[..count]).map_err(Failure::Disk)?;
                at += count as u64;
                progress(at);
            }
            Err(e) => return Ok(e.to_string()),
        }
    }
}

/// Where in the file the response's body begins, and how many bytes the whole has, if the server says so.
fn start(response: &Response<Body>, file: &Published, have: u64) -> std::result::Result<(u64, Option<u64>), String> {
    let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let sized = |total: Option<u64>| match total {
        Some(total) if !file.size.fits(total) => {
            Err(format!("has {total} bytes, expected {}: it is not the published file", file.size))
        }
        _ => Ok(total),
    };
    match response.status() {
        StatusCode::OK => {
            // The whole, whatever was asked for.
            let total = sized(text(header::CONTENT_LENGTH).and_then(|length| length.parse().ok()))?;
            Ok((0, total))
        }
        StatusCode::PARTIAL_CONTENT => {
            let range = text(header::CONTENT_RANGE).and_then(|range| range.strip_prefix("bytes "));
            let (range, total) = range.and_then(|range| range.split_once('/')).unwrap_or_default();
            let total = sized(total.parse().ok())?;
            let first = range.split('-').next().and_then(|first| first.parse().ok());
            let first = first.filter(|&first| first == have).ok_or_else(|| {
                format!("answers with the range {range:?} where bytes from {have} on were asked for; name a mirror with ‹from›")
            })?;
            Ok((first, total))
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
