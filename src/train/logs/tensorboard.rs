//! TensorBoard's event files, so that `tensorboard --logdir runs` shows a run.
//!
//! A file is a list of records (length, its checksum, bytes, their checksum: TFRecord), each an `Event` in protobuf. Of
//! `event.proto` and `summary.proto` only the few fields below are needed; the tests compare with what TensorBoard's own
//! writer makes of the same events. Steps are epochs. A resumed run goes on in a new file whose first events are the
//! version and a session's start at its first epoch: TensorBoard then drops what it read of that and later epochs.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crc::{CRC_32_ISCSI, Crc, Table};
use image::RgbImage;

use crate::draw::pen::png;
use crate::error::Result;
use crate::files::unwritable;

/// What an event says.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// The layout's version; first in every file.
    Version,
    /// A session starts: what was said before of this step and later ones is void.
    Start,
    /// Numbers with their tags.
    Scalars(Vec<(String, f32)>),
    /// A picture with its tag: width, height, bytes of a PNG file.
    Image(String, [u32; 2], Vec<u8>),
}

/// The bytes of one record, framing included.
pub fn record(wall_time: f64, step: u64, what: &What) -> Vec<u8> {
    let mut event = Message::default();
    event.fixed(1, 1, &wall_time.to_le_bytes());
    if step > 0 {
        event.number(2, step);
    }
    match what {
        What::Version => event.bytes(3, b"brain.Event:2"),
        What::Start => event.message(7, |session| session.number(1, 1)),
        What::Scalars(values) => event.message(5, |summary| {
            for (tag, value) in values {
                summary.message(1, |one| {
                    one.bytes(1, tag.as_bytes());
                    one.fixed(2, 5, &value.to_le_bytes());
                });
            }
        }),
        What::Image(tag, [width, height], bytes) => event.message(5, |summary| {
            summary.message(1, |one| {
                one.bytes(1, tag.as_bytes());
                one.message(4, |image| {
                    image.number(1, (*height).into());
                    image.number(2, (*width).into());
                    image.number(3, 3); // red, green, blue
                    image.bytes(4, bytes);
                });
            });
        }),
    }
    let length = (event.0.len() as u64).to_le_bytes();
    [&length[..], &checksum(&length), &event.0, &checksum(&event.0)].concat()
}

/// CRC-32C, masked as TFRecord masks it, so that a checksum of data that hold checksums is a good one.
fn checksum(bytes: &[u8]) -> [u8; 4] {
    static CRC: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);
    CRC.checksum(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

/// A protobuf message being put together.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    /// Seven bits a byte, the lowest first.
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn number(&mut self, field: u64, value: u64) {
        self.varint(field << 3);
        self.varint(value);
    }

    /// Little-endian bytes of a double (`kind` 1) or float (`kind` 5).
    fn fixed(&mut self, field: u64, kind: u64, bytes: &[u8]) {
        self.varint(field << 3 | kind);
        self.0.extend_from_slice(bytes);
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn message(&mut self, field: u64, fill: impl FnOnce(&mut Message)) {
        let mut inner = Message::default();
        fill(&mut inner);
        self.bytes(field, &inner.0);
    }
}

/// An event file being written; it is made when there is something to say.
pub struct Events {
    folder: PathBuf,
    start: u64,
    file: Option<(File, PathBuf)>,
}

impl Events {
    /// Events of a session whose first epoch is `start`, in a file in `folder`.
    pub fn new(folder: &Path, start: u32) -> Self {
        Self { folder: folder.to_path_buf(), start: start.into(), file: None }
    }

    /// Adds numbers with their tags.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn scalars(&mut self, epoch: u32, values: Vec<(String, f32)>) -> Result<()> {
        self.add(epoch.into(), &What::Scalars(values))
    }

    /// Adds a picture with its tag.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn image(&mut self, epoch: u32, tag: &str, picture: &RgbImage) -> Result<()> {
        let size = [picture.width(), picture.height()];
        self.add(epoch.into(), &What::Image(tag.into(), size, png(picture)?))
    }

    fn add(&mut self, step: u64, what: &What) -> Result<()> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
        let mut bytes = Vec::new();
        let (file, path) = match &mut self.file {
            Some(open) => open,
            none => {
                bytes = [record(now, 0, &What::Version), record(now, self.start, &What::Start)].concat();
                none.insert(create(&self.folder, now as u64)?)
            }
        };
        bytes.extend(record(now, step, what));
        file.write_all(&bytes).map_err(|e| unwritable(path, &e))
    }
}

/// A new event file. TensorBoard reads a folder's files in the order of their names, which is that of their times.
fn create(folder: &Path, seconds: u64) -> Result<(File, PathBuf)> {
    let mut number = 0;
    loop {
        let path = folder.join(format!("events.out.tfevents.{seconds:010}.{number}"));
        match OpenOptions::new().append(true).create_new(true).open(&path) {
            Ok(file) => return Ok((file, path)),
            Err(e) if e.kind() == ErrorKind::AlreadyExists => number += 1,
            Err(e) => return Err(unwritable(&path, &e)),
        }
    }
}
