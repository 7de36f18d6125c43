//! A folder that another program runs a trained network from: its graph, its weights, its classes, and what to do with a picture.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;

use super::preprocessing::{Preprocessing, Resize};
use super::{onnx, pth};
use crate::data::Fit;
use crate::data::picture::RIBBON;
use crate::device::Device;
use crate::error::{Error, Result};
use crate::files::{self, TEMPORARY, sync_folder, turn, unwritable};
use crate::nn::{Layer, Sequential, models};
use crate::train::checkpoint::Meta;
use crate::train::state_dict::{entries, load_state, save_state};
pub use crate::weights::{LABELS, PREPROCESSING};

/// The graph.
pub const GRAPH: &str = "model.onnx";
/// The weights.
pub const WEIGHTS: &str = "model.safetensors";
/// The same, for PyTorch alone.
pub const PTH: &str = "model.pth";
/// All of this in words.
pub const README: &str = "README.txt";

/// The most bytes that are read of weights.
const MOST: u64 = 16 << 30;

/// Makes `folder` with all that there is to know of `network`, which training left where `meta` says. It gets its name when it is whole.
///
/// # Errors
/// A folder that holds anything, or cannot be made or written to; those of [`onnx::encode`]; what the device says.
pub fn write(folder: &Path, network: &dyn Layer, meta: &Meta) -> Result<()> {
    let root = vacant(folder)?;
    let name = folder.file_name().ok_or_else(|| Error::file(folder, "is no folder's name; choose another ‹out›"))?;
    fs::create_dir_all(root).map_err(|e| unwritable(root, &e))?;
    let (staged, _held) = staged(root, &name.to_string_lossy()).map_err(|e| unwritable(root, &e))?;
    let at = |name: &str| staged.path().join(name);
    let put = |name: &str, bytes: &[u8]| file(&at(name), |file| file.write_all(bytes));
    let how = Preprocessing::of(meta);
    put(GRAPH, &onnx::encode(network, meta.config.network(), meta.input)?)?;
    put(WEIGHTS, &save_state(network, "")?)?;
    let tensors = entries(network, "")?;
    file(&at(PTH), |file| pth::write(&tensors, file))?;
    // A name with a line's end in it would be two.
    let line = |class: &String| class.replace(char::is_control, " ") + "\n";
    put(LABELS, meta.classes.iter().map(line).collect::<String>().as_bytes())?;
    put(PREPROCESSING, format!("{:#}\n", how.json()).as_bytes())?;
    put(README, readme(meta, &how).as_bytes())?;
    sync_folder(staged.path()).map_err(|e| unwritable(folder, &e))?;
    // A folder takes the place of none or of an empty one.
    match fs::rename(staged.path(), folder) {
        Ok(()) => drop(staged.keep()),
        Err(e) if matches!(e.kind(), ErrorKind::AlreadyExists | ErrorKind::DirectoryNotEmpty) => {
            return Err(not_empty(folder));
        }
        Err(e) => return Err(unwritable(folder, &e)),
    }
    sync_folder(root).map_err(|e| unwritable(root, &e))
}

/// The network of a folder that [`write`] made, on `device`; what becomes of a picture; and the classes.
///
/// # Errors
/// A file that is missing or not what [`write`] wrote; weights of another network; what the device says.
pub fn open(folder: &Path, device: &Device) -> Result<(Sequential, Preprocessing, Vec<String>)> {
    let text = |name: &str| {
        let path = folder.join(name);
        files::read_text(&path).map_err(|e| Error::file(path, e))
    };
    let path = folder.join(PREPROCESSING);
    let how: Preprocessing = serde_json::from_str(&text(PREPROCESSING)?).map_err(|e| Error::file(&path, e))?;
    how.check().map_err(|what| Error::file(&path, what))?;
    let classes: Vec<String> = text(LABELS)?.lines().map(str::to_owned).collect();
    let input = [how.crop.height, how.crop.width];
    models::check(&how.network, classes.len(), input).map_err(|e| Error::file(&path, e))?;
    let network = models::build(&how.network, classes.len(), input, device, 0)?;
    let path = folder.join(WEIGHTS);
    let bytes = files::read(&path, MOST).map_err(|e| Error::file(&path, e))?;
    let tensors = SafeTensors::deserialize(&bytes).map_err(|e| Error::file(&path, e))?;
    load_state(&network, &tensors, "").map_err(|e| Error::file(&path, e))?;
    Ok((network, how, classes))
}

/// The weights of `folder`, if [`write`] made it.
pub fn weights(folder: &Path) -> Option<PathBuf> {
    let file = |name: &str| Some(folder.join(name)).filter(|path| path.is_file());
    file(PREPROCESSING).and_then(|_| file(WEIGHTS))
}

/// The folder around `folder`, which must be new or empty.
fn vacant(folder: &Path) -> Result<&Path> {
    match fs::read_dir(folder).map(Iterator::count) {
        Ok(0) => {}
        Ok(_) => return Err(not_empty(folder)),
        Err(e) if e.kind() == ErrorKind::NotFound => {}
        Err(_) if folder.exists() && !folder.is_dir() => {
            return Err(Error::file(folder, "is a file; ‹out› wants a new or empty folder"));
        }
        Err(e) => return Err(unwritable(folder, &e)),
    }
    Ok(folder.parent().filter(|root| !root.as_os_str().is_empty()).unwrap_or(Path::new(".")))
}

/// A folder in `root` that is to be called `name`, and the lock that says that a process is at it. Those of killed ones go.
fn staged(root: &Path, name: &str) -> io::Result<(tempfile::TempDir, Option<File>)> {
    let prefix = format!(".{name}.");
    // Without a turn, they stay.
    let turn = turn(root);
    for entry in fs::read_dir(root)?.flatten().filter(|_| turn.is_some()) {
        let found = entry.file_name().to_string_lossy().into_owned();
        let ours = found.starts_with(&prefix) && found.ends_with(TEMPORARY);
        if ours && File::open(entry.path()).is_ok_and(|folder| folder.try_lock().is_ok()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(TEMPORARY);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
    let staged = builder.tempdir_in(root)?;
    let held = File::open(staged.path()).ok().filter(|folder| folder.lock().is_ok());
    Ok((staged, held))
}

/// A new file with what `write` writes, on disk when this returns.
fn file(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> Result<()> {
    let written = File::create_new(path).and_then(|mut file| {
        write(&mut file)?;
        file.sync_all()
    });
    written.map_err(|e| unwritable(path, &e))
}

fn not_empty(folder: &Path) -> Error {
    Error::file(folder, "is not empty; ‹out› wants a new or empty folder")
}

/// What a person who finds the folder must know.
fn readme(meta: &Meta, how: &Preprocessing) -> String {
    let Preprocessing { network, resize: Resize { kind, height, width }, crop, mean, std, .. } = how;
    let network = models::name(network);
    let (classes, epoch, version) = (meta.classes.len(), meta.progress.epoch, env!("CARGO_PKG_VERSION"));
    let ribbon = match kind {
        Fit::Crop => {
            format!(
                "   Of one more than {RIBBON} times as long as what is taken, the middle of that length comes first (\"ribbon\").\n"
            )
        }
        Fit::Squash | Fit::Pad => String::new(),
    };
    let fitted = match kind {
        Fit::Squash => "each side to its length",
        Fit::Crop => "the shorter side to its length; the middle of the longer one is taken",
        Fit::Pad => "as large as fits, in the middle of black",
    };
    let part = if (crop.height, crop.width) == (*height, *width) {
        String::new()
    } else {
        format!("   Its middle {} x {} pixels (rows x columns) are taken.\n", crop.height, crop.width)
    };
    let input = format!("[batch, 3, {}, {}]", crop.height, crop.width);
    format!(
        "{network} for {classes} classes, as epoch {epoch} of a training by warptape {version} left it.

{GRAPH}          the network for inference: ONNX, opset {opset}, IR version {ir}; onnxruntime 1.12 or newer runs it
{WEIGHTS}   its weights under PyTorch's names in PyTorch's layouts
{PTH}           the same for torch.load(\"{PTH}\", weights_only=True)
{LABELS}          the classes, one a line, in the order of the logits
{PREPROCESSING}  how a picture becomes the network's input, for programs

The graph takes \"{input_name}\", float32 {input}, any batch, and gives \"{output}\", float32 [batch, {classes}].
Probabilities are the softmax of the logits. All is computed in float32, whatever type the training computed in.

What becomes of a picture:
1. It is decoded to RGB, eight bits a channel: transparency over white, grey as three equal channels, turned upright as its EXIF
   says, the first of several frames.
2. It is brought to {height} x {width} pixels (rows x columns) by Lanczos's filter with antialiasing, {fitted}.
{ribbon}{part}3. Bytes become numbers from 0 to 1; of each channel the mean is subtracted, then it is divided by the deviation.
   means {mean:?}, deviations {std:?}

Filters work on floats and round to bytes once, as Pillow's do on pictures of mode F; of mode RGB it rounds between rows and columns,
too, which makes single bytes another. So do decoders of JPEG, which need not agree. Probabilities then differ by some thousandths.
",
        opset = onnx::OPSET,
        ir = onnx::IR_VERSION,
        input_name = onnx::INPUT,
        output = onnx::OUTPUT,
    )
}
