//! Files of weights: those that PyTorch writes, those that nobody should, and what the command says of them.

use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use warptape::device::host::Order;
use warptape::nn::{BatchNorm, Builder, Conv2d, Linear, Sequential};
use warptape::op::conv2d::Conv2dParams;
use warptape::weights::Weights;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::support::host;

mod command;
mod fetch;
mod fit;
mod fuzz;
mod hostile;
mod preparation;
mod reading;

/// What `golden/weights.py` wrote.
pub fn golden() -> TempDir {
    let folder = TempDir::new().unwrap();
    let packed = include_bytes!("../../golden/weights.tar.gz");
    tar::Archive::new(flate2::read::GzDecoder::new(&packed[..])).unpack(folder.path()).unwrap();
    folder
}

/// A file with these contents.
pub fn file(bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("file.pth");
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

/// The error of opening a file with these contents: one line.
pub fn refused(bytes: &[u8]) -> String {
    let (_folder, path) = file(bytes);
    let error = Weights::open(&path).expect_err("an error").to_string();
    assert!(!error.contains(char::is_control) && error.len() < 3000, "{error:?}");
    error
}

/// PyTorch's zip archive of a pickle and storages.
pub fn archive(pickle: &[u8], storages: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let mut put = |name: String, bytes: &[u8]| {
        archive.start_file(name, stored).unwrap();
        archive.write_all(bytes).unwrap();
    };
    put("archive/data.pkl".into(), pickle);
    storages.iter().for_each(|(key, bytes)| put(format!("archive/data/{key}"), bytes));
    archive.finish().unwrap().into_inner()
}

/// The pickle of a dictionary of one float32 tensor 'a' in storage '0'; numbers as pickle's operations.
pub fn tensor(storage: &[u8], offset: &[u8], shape: &[u8], strides: &[u8]) -> Vec<u8> {
    let id = [b"(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpu", storage, b"tQ"].concat();
    let call = [b"ctorch._utils\n_rebuild_tensor_v2\n(", &id[..], offset, shape, strides, b"\x89NtR"].concat();
    [b"\x80\x02}U\x01a", &call[..], b"s."].concat()
}

/// The network of which `net.pth` is the state dict.
pub fn net(classes: usize) -> Sequential {
    let mut builder = Builder::new(&host(Order::Forward, false), 3);
    Sequential::new()
        .then(Conv2d::new(&mut builder, 3, 4, 3, Conv2dParams::new(1, 0), true).unwrap())
        .then(BatchNorm::new(&mut builder, 4).unwrap())
        .then(Linear::new(&mut builder, 4, classes).unwrap())
}

/// The whole file.
pub fn bytes(folder: &Path, name: &str) -> Vec<u8> {
    std::fs::read(folder.join(name)).unwrap()
}
