//! The messages of TensorBoard's protocol buffers, as far as a training has something to say: names and tags are those of
//! event.proto, summary.proto, tensor.proto, and of the hparams plugin's plugin_data.proto (github.com/tensorflow/tensorboard).

use std::collections::BTreeMap;

use prost::{Message, Oneof};

/// One record of a file.
#[derive(Clone, PartialEq, Message)]
pub struct Event {
    #[prost(double, tag = "1")]
    pub wall_time: f64,
    #[prost(int64, tag = "2")]
    pub step: i64,
    #[prost(oneof = "Said", tags = "3, 5, 7")]
    pub said: Option<Said>,
}

/// What an event says.
#[derive(Clone, PartialEq, Oneof)]
pub enum Said {
    #[prost(string, tag = "3")]
    FileVersion(String),
    #[prost(message, tag = "5")]
    Summary(Summary),
    #[prost(message, tag = "7")]
    SessionLog(SessionLog),
}

/// What becomes of a session.
#[derive(Clone, PartialEq, Message)]
pub struct SessionLog {
    #[prost(int32, tag = "1")]
    pub status: i32,
}

/// A session's status: it starts.
pub const START: i32 = 1;

/// Values with tags.
#[derive(Clone, PartialEq, Message)]
pub struct Summary {
    #[prost(message, repeated, tag = "1")]
    pub value: Vec<Tagged>,
}

/// A value with its tag; summary.proto calls it `Value`.
#[derive(Clone, PartialEq, Message)]
pub struct Tagged {
    #[prost(string, tag = "1")]
    pub tag: String,
    #[prost(oneof = "Value", tags = "2, 4, 8")]
    pub value: Option<Value>,
    #[prost(message, optional, tag = "9")]
    pub metadata: Option<Metadata>,
}

/// A number, a picture, or a tensor.
#[derive(Clone, PartialEq, Oneof)]
pub enum Value {
    #[prost(float, tag = "2")]
    Simple(f32),
    #[prost(message, tag = "4")]
    Image(Image),
    #[prost(message, tag = "8")]
    Tensor(Tensor),
}

/// A picture: bytes of a PNG file; three channels are red, green, blue.
#[derive(Clone, PartialEq, Message)]
pub struct Image {
    #[prost(int32, tag = "1")]
    pub height: i32,
    #[prost(int32, tag = "2")]
    pub width: i32,
    #[prost(int32, tag = "3")]
    pub colorspace: i32,
    #[prost(bytes = "vec", tag = "4")]
    pub encoded_image_string: Vec<u8>,
}

/// A tensor's type and shape: of those that hold nothing.
#[derive(Clone, PartialEq, Message)]
pub struct Tensor {
    #[prost(int32, tag = "1")]
    pub dtype: i32,
    #[prost(message, optional, tag = "2")]
    pub tensor_shape: Option<Shape>,
}

/// 32-bit floats, as the type of a tensor's elements.
pub const FLOAT: i32 = 1;

/// One dimension after the other.
#[derive(Clone, PartialEq, Message)]
pub struct Shape {
    #[prost(message, repeated, tag = "2")]
    pub dim: Vec<Dimension>,
}

/// A length.
#[derive(Clone, PartialEq, Message)]
pub struct Dimension {
    #[prost(int64, tag = "1")]
    pub size: i64,
}

/// Whose a value is.
#[derive(Clone, PartialEq, Message)]
pub struct Metadata {
    #[prost(message, optional, tag = "1")]
    pub plugin_data: Option<PluginData>,
}

/// A plugin of TensorBoard's, and a message of its own.
#[derive(Clone, PartialEq, Message)]
pub struct PluginData {
    #[prost(string, tag = "1")]
    pub plugin_name: String,
    #[prost(bytes = "vec", tag = "2")]
    pub content: Vec<u8>,
}

/// A message of the hparams plugin, whose version is 0.
#[derive(Clone, PartialEq, Message)]
pub struct HParams {
    #[prost(oneof = "Session", tags = "3, 4")]
    pub session: Option<Session>,
}

/// How a training began or ended.
#[derive(Clone, PartialEq, Oneof)]
pub enum Session {
    #[prost(message, tag = "3")]
    StartInfo(StartInfo),
    #[prost(message, tag = "4")]
    EndInfo(EndInfo),
}

/// With which settings, and when, in seconds after 1970.
#[derive(Clone, PartialEq, Message)]
pub struct StartInfo {
    #[prost(btree_map = "string, message", tag = "1")]
    pub hparams: BTreeMap<String, Setting>,
    #[prost(double, tag = "5")]
    pub start_time_secs: f64,
}

/// How, and when, likewise.
#[derive(Clone, PartialEq, Message)]
pub struct EndInfo {
    #[prost(int32, tag = "1")]
    pub status: i32,
    #[prost(double, tag = "2")]
    pub end_time_secs: f64,
}

/// A training's status: all was done.
pub const SUCCESS: i32 = 1;

/// A setting; protobuf's struct.proto calls it `Value`.
#[derive(Clone, PartialEq, Message)]
pub struct Setting {
    #[prost(oneof = "Kind", tags = "2, 3, 4")]
    pub kind: Option<Kind>,
}

/// A number, a text, yes or no.
#[derive(Clone, PartialEq, Oneof)]
pub enum Kind {
    #[prost(double, tag = "2")]
    Number(f64),
    #[prost(string, tag = "3")]
    Text(String),
    #[prost(bool, tag = "4")]
    Flag(bool),
}
