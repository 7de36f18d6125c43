//! TensorBoard's event files, so that `tensorboard --logdir runs` shows a run.
//!
//! A file is a list of records (length, its checksum, bytes, their checksum: TFRecord), each an `Event` in protobuf; the tests
//! compare with what TensorBoard's own writer makes of the same events. Steps are those of the training, counted over all epochs. A
//! resumed run goes on in new files whose first events are the version and a session's start at its first step: TensorBoard then
//! drops what it read of that and later steps.

mod board;
mod message;

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crc::{CRC_32_ISCSI, Crc, Table};
use image::RgbImage;
use prost::Message;
use serde_json::{Map, Value as Json};

use crate::draw::pen::png;
use crate::error::Result;
use crate::files::unwritable;
pub use board::{Board, Taken};
use message::{
    Dimension, EndInfo, Event, FLOAT, HParams, Image, Kind, Metadata, PluginData, START, SUCCESS, Said, Session,
    SessionLog, Setting, Shape, StartInfo, Summary, Tagged, Tensor, Value,
};

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
    /// A training with these settings begins, for the hparams plugin.
    Settings(Map<String, Json>),
    /// It is done.
    Done,
}

/// The bytes of one record, framing included.
pub fn record(wall_time: f64, step: u64, what: &What) -> Vec<u8> {
    let tagged = |tag: &str, value: Value| Tagged { tag: tag.into(), value: Some(value), metadata: None };
    let summary = |value: Vec<Tagged>| Said::Summary(Summary { value });
    let said = match what {
        What::Version => Said::FileVersion("brain.Event:2".into()),
        What::Start => Said::SessionLog(SessionLog { status: START }),
        What::Scalars(values) => {
            summary(values.iter().map(|(tag, value)| tagged(tag, Value::Simple(*value))).collect())
        }
        What::Image(tag, size, bytes) => {
            let [width, height] = size.map(|side| side as i32);
            let image = Image { height, width, colorspace: 3, encoded_image_string: bytes.clone() };
            summary(vec![tagged(tag, Value::Image(image))])
        }
        What::Settings(settings) => {
            let hparams = settings.iter().filter_map(|(name, value)| Some((name.clone(), setting(value)?))).collect();
            let start = Session::StartInfo(StartInfo { hparams, start_time_secs: wall_time });
            summary(vec![of_session("_hparams_/session_start_info", start)])
        }
        What::Done => {
            let end = Session::EndInfo(EndInfo { status: SUCCESS, end_time_secs: wall_time });
            summary(vec![of_session("_hparams_/session_end_info", end)])
        }
    };
    let event = Event { wall_time, step: step as i64, said: Some(said) }.encode_to_vec();
    let length = (event.len() as u64).to_le_bytes();
    [&length[..], &checksum(&length), &event, &checksum(&event)].concat()
}

/// What the hparams plugin reads under `tag`: it stands in the metadata of a tensor that holds nothing.
fn of_session(tag: &str, session: Session) -> Tagged {
    let content = HParams { session: Some(session) }.encode_to_vec();
    let plugin_data = PluginData { plugin_name: "hparams".into(), content };
    let nothing = Tensor { dtype: FLOAT, tensor_shape: Some(Shape { dim: vec![Dimension { size: 0 }] }) };
    let metadata = Metadata { plugin_data: Some(plugin_data) };
    Tagged { tag: tag.into(), value: Some(Value::Tensor(nothing)), metadata: Some(metadata) }
}

/// A setting as the plugin has them: what is neither number nor text nor yes or no becomes text.
fn setting(value: &Json) -> Option<Setting> {
    let kind = match value {
        Json::Null => return None,
        Json::Bool(yes) => Kind::Flag(*yes),
        Json::Number(number) => Kind::Number(number.as_f64()?),
        Json::String(text) => Kind::Text(text.clone()),
        other => Kind::Text(other.to_string()),
    };
    Some(Setting { kind: Some(kind) })
}

/// CRC-32C, masked as TFRecord masks it, so that a checksum of data that hold checksums is a good one.
fn checksum(bytes: &[u8]) -> [u8; 4] {
    static CRC: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);
    CRC.checksum(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

/// An event file being written; it is made when there is something to say.
pub struct Events {
    folder: PathBuf,
    start: u64,
    file: Option<(File, PathBuf)>,
}

impl Events {
    /// Events of a session whose first step is `start`, in a file in `folder`, which is made with it.
    pub fn new(folder: &Path, start: u64) -> Self {
        Self { folder: folder.to_path_buf(), start, file: None }
    }

    /// Adds numbers with their tags.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn scalars(&mut self, step: u64, values: Vec<(String, f32)>) -> Result<()> {
        self.add(&[(step, What::Scalars(values))])
    }

    /// Adds a picture with its tag.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn image(&mut self, step: u64, tag: &str, picture: &RgbImage) -> Result<()> {
        let size = [picture.width(), picture.height()];
        self.add(&[(step, What::Image(tag.into(), size, png(picture)?))])
    }

    /// Adds what is said of each step.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn add(&mut self, said: &[(u64, What)]) -> Result<()> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
        let mut bytes = Vec::new();
        let (file, path) = match &mut self.file {
            Some(open) => open,
            none => {
                bytes = [record(now, 0, &What::Version), record(now, self.start, &What::Start)].concat();
                none.insert(create(&self.folder, now as u64)?)
            }
        };
        said.iter().for_each(|(step, what)| bytes.extend(record(now, *step, what)));
        file.write_all(&bytes).map_err(|e| unwritable(path, &e))
    }
}

/// A new event file. TensorBoard reads a folder's files in the order of their names, which is that of their times.
fn create(folder: &Path, seconds: u64) -> Result<(File, PathBuf)> {
    std::fs::create_dir_all(folder).map_err(|e| unwritable(folder, &e))?;
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
