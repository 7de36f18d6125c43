//! Files that nobody should have written: one line each, within five seconds and 512 MB.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use warptape::weights::Weights;

use super::{archive, bytes, file, golden, refused, tensor};
use crate::command::{Done, done, warptape};

/// Before the pickles of PyTorch's old format.
const MAGIC: &[u8] = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}.";
/// Numbers of a tensor of one element: elements of the storage, offset, shape, strides.
const ONE: [&[u8]; 4] = [b"K\x01", b"K\x00", b"K\x01\x85", b"K\x01\x85"];
const TRILLION: &[u8] = b"\x8a\x06\x00\x00\x00\x00\x00\x01\x85";

/// The command in a shell that allows 512 MB of addresses.
fn limited(args: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -v 524288; exec \"$0\" \"$@\""]).arg(warptape().get_program()).args(args);
    command
}

/// `weights info` of the file at `path` must fail with one line that has `part`.
fn refuses(path: &Path, what: &str, part: &str) {
    let began = Instant::now();
    let Done { code, stdout, stderr } = done(&mut limited(&["weights", "info", path.to_str().unwrap()]));
    let took = began.elapsed();
    assert_eq!((code, &*stdout), (Some(1), ""), "{what}: {stderr}");
    let line = stderr.strip_suffix('\n').unwrap_or_default();
    assert!(line.starts_with("error: ") && !line.contains(char::is_control), "{what}: {stderr:?}");
    assert!(line.contains(part) && line.len() < 3000, "{what}: no {part:?} in {line:?}");
    assert!(took < Duration::from_secs(5), "{what}: {took:?}");
}

fn safetensors(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

fn one(numbers: [&[u8]; 4]) -> Vec<u8> {
    archive(&tensor(numbers[0], numbers[1], numbers[2], numbers[3]), &[("0", &[0; 4])])
}

/// A pickled dictionary with `count` tensors, all in one storage.
fn tensors(count: usize) -> Vec<u8> {
    let single = tensor(ONE[0], ONE[1], ONE[2], ONE[3]);
    // What is between the name and the end, kept under a number and asked for again.
    let value = [&single[6..single.len() - 2], b"q\x00"].concat();
    let mut pickle = [b"\x80\x02}(U\x01a", &value[..]].concat();
    for number in 1..count {
        pickle.extend(format!("U\x06{number:06}h\0").bytes());
    }
    [&pickle[..], b"u."].concat()
}

#[test]
fn structures_that_lie() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("file.pth");
    let refuse = |what: &str, bytes: &[u8], part: &str| {
        fs::write(&path, bytes).unwrap();
        refuses(&path, what, part);
    };
    let header = |first: u64, end: u64| {
        let other = format!("\"b\":{{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[{first},{end}]}}");
        format!("{{\"a\":{{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}},{other}}}")
    };
    refuse("overlap", &safetensors(&header(4, 8), &[0; 8]), "the header at offset 8: invalid offset for tensor `b`");
    refuse("gap", &safetensors(&header(12, 16), &[0; 16]), "invalid offset");
    refuse("beyond", &safetensors(&header(8, 12), &[0; 8]), "truncated");
    refuse("too long", &safetensors(&header(8, 12), &[0; 16]), "too long");
    refuse("size", &safetensors(&header(8, 16), &[0; 16]), "the header at offset 8");
    let [start, rest] = [&u32::MAX.to_le_bytes()[..], b"\0\0\0\0{}"];
    refuse("a header of 4 GB", &[start, rest].concat(), "does not fit into its 10 bytes");
    let zeros =
        format!("{{\"a\":{{\"dtype\":\"F32\",\"shape\":[{}0],\"data_offsets\":[0,0]}}}}", "0,".repeat(4_190_000));
    refuse("four million axes", &safetensors(&zeros, b""), "at most 8 are read");
    let zeros = format!("{{\"a\":[{}0]}}", "0,".repeat(8_000_000));
    refuse("a header of 16 MB", &safetensors(&zeros, b""), "at most 8388608 are read");
    refuse("nested", &safetensors(&format!("{{\"a\":{}", "[".repeat(1 << 20)), b""), "recursion limit");
    refuse("empty", b"", "is empty");
    refuse("text", b"<!DOCTYPE html><html>not found</html>", "is no file of weights");
    refuse("no tensors", &safetensors("{}", b""), "holds no tensors");
    let many: Vec<String> = (0..300_000)
        .map(|number| format!("\"{number}\":{{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}"))
        .collect();
    refuse("300 000 tensors", &safetensors(&format!("{{{}}}", many.join(",")), b""), "at most 8388608 are read");
    let many = many[..100_000].join(",");
    refuse(
        "100 000 tensors",
        &safetensors(&format!("{{{many}}}"), b""),
        "holds 100000 tensors; at most 65536 are read",
    );
}

#[test]
fn archives_that_lie() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("file.pth");
    let refuse = |what: &str, bytes: &[u8], part: &str| {
        fs::write(&path, bytes).unwrap();
        refuses(&path, what, part);
    };
    let mut bomb = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    bomb.start_file("archive/data.pkl", zip::write::SimpleFileOptions::default()).unwrap();
    std::io::copy(&mut std::io::Read::take(std::io::repeat(b'N'), 1 << 28), &mut bomb).unwrap();
    refuse("bomb", &bomb.finish().unwrap().into_inner(), "data.pkl is compressed");
    let good = one(ONE);
    let end = good.len() - 22;
    let number = |at: usize| u32::from_le_bytes(good[at..at + 4].try_into().unwrap()) as usize;
    let (size, first) = (number(end + 12), number(end + 16));
    let with = |at: usize, new: &[u8]| [&good[..at], new, &good[at + new.len()..]].concat();
    refuse("a count", &with(end + 10, &[0xfe, 0xff]), "its list of entries is cut off");
    refuse("a list elsewhere", &with(end + 16, &[0; 4]), "its list of entries is cut off");
    refuse("a list beyond", &with(end + 12, &[0xff, 0xff, 0xff, 0x7f]), "reaches beyond its end");
    refuse("cut", &good[..end], "its end is missing");
    refuse("a checksum", &with(first - 2, &[1]), "another checksum");
    refuse("no header", &with(first + 42, &[9, 0, 0, 0]), "has no header of its own");
    // The same entry again and again, each as large as the whole.
    let entry =
        [&good[first..first + 20], &(first as u32).to_le_bytes().repeat(2)[..], &good[first + 28..end]].concat();
    let again = entry[..size / 2].repeat(20_000);
    let list = [&good[..first], &again, &good[end..end + 8]].concat();
    let ends =
        [&20_000u16.to_le_bytes().repeat(2)[..], &(again.len() as u32).to_le_bytes(), &(first as u32).to_le_bytes()];
    refuse("overlap", &[&list[..], &ends[1..].concat(), &[0, 0]].concat(), "its end is missing");
    // A list that says that it has 4 billion entries, in the wide form.
    let wide = [
        b"PK\x06\x06",
        &[0; 28][..],
        &u64::MAX.to_le_bytes(),
        &(size as u64).to_le_bytes(),
        &(first as u64).to_le_bytes(),
    ];
    let locator = [b"PK\x06\x07", &[0; 4][..], &(end as u64).to_le_bytes(), &[0; 4]].concat();
    let tail = [b"PK\x05\x06", &[0; 4][..], &[0xff; 12], &[0, 0]].concat();
    refuse("a wide count", &[&good[..end], &wide.concat(), &locator, &tail].concat(), "its list of entries is cut off");
    refuse("no pickle", &archive(b"", &[]), "data.pkl");
    refuse("no storage", &archive(&tensor(ONE[0], ONE[1], ONE[2], ONE[3]), &[]), "storage '0' is missing");
    refuse("a short one", &one([b"K\x02", ONE[1], ONE[2], ONE[3]]), "has 4 bytes where 8 are announced");
}

#[test]
fn tensors_that_lie() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("file.pth");
    let refuse = |what: &str, bytes: &[u8], part: &str| {
        fs::write(&path, bytes).unwrap();
        refuses(&path, what, part);
    };
    refuse(
        "an offset",
        &one([ONE[0], b"K\x01", ONE[2], ONE[3]]),
        "tensor 'a': a tensor that reaches to byte 8 of a storage of 4",
    );
    refuse("a negative one", &one([ONE[0], b"J\xff\xff\xff\xff", ONE[2], ONE[3]]), "negative sizes");
    refuse("a shape", &one([ONE[0], ONE[1], b"K\x02\x85", ONE[3]]), "reaches to byte 8");
    refuse("one that overflows", &one([ONE[0], ONE[1], TRILLION, TRILLION]), "sizes are no sizes");
    refuse("a trillion of one number", &one([ONE[0], ONE[1], TRILLION, b"K\x00\x85"]), "far more than its");
    refuse("a storage that overflows", &one([&TRILLION[..8], ONE[1], ONE[2], ONE[3]]), "has 4 bytes where");
    refuse("no strides", &one([ONE[0], ONE[1], ONE[2], b")"]), "form that is not known");
    let nine = [b"(", &b"K\x01".repeat(9)[..], b"t"].concat();
    refuse("nine axes", &one([ONE[0], ONE[1], &nine, &nine]), "more than 8 axes");
    let many = tensors(300_000);
    refuse("300 000 tensors", &archive(&many, &[("0", &[0; 4])]), "holds 65537 tensors; at most 65536 are read");
    refuse("300 000 in the old form", &[MAGIC, &many].concat(), "holds 65537 tensors");
}

#[test]
fn pickles_that_want_more_than_data() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("file.pth");
    let refuse = |what: &str, pickle: &[u8], part: &str| {
        for bytes in [archive(pickle, &[]), [MAGIC, pickle].concat()] {
            fs::write(&path, bytes).unwrap();
            refuses(&path, what, part);
        }
    };
    for (pickle, name) in [
        (&b"cos\nsystem\n(S'echo hello > harm'\ntR."[..], "\"os.system\""),
        (b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.", "\"builtins.eval\""),
        (b"ctorch.hub\nload\n.", "\"torch.hub.load\""),
        (b"ctorch\nload\n.", "\"torch.load\""),
        (b"ctorch._utils\n_rebuild_sparse_tensor\n.", "_rebuild_sparse_tensor"),
        (b"c\x1b[31m\nevil\n.", "\\u{1b}"),
    ] {
        refuse(name, pickle, name);
    }
    assert!(!Path::new("harm").exists());
    let text = [b"X\x00\x00\x10\x00", &[b'x'; 1 << 20][..], b"q\x00"].concat();
    let again = |rest: &[u8]| [&text[..], rest].concat();
    let repeated =
        |start: &[u8], part: &[u8], count: usize, end: &[u8]| again(&[start, &part.repeat(count), end].concat());
    refuse("tuples in tuples", &[b")", &b"\x85".repeat(3_999_000)[..], b"."].concat(), "no dictionary of tensors");
    refuse("marks", &b"(".repeat(5_000_000), "more than 4000000 operations");
    refuse("lists", &b"]".repeat(5_000_000), "more than 4000000 operations");
    refuse("a memo", &[b"N", &b"\x94".repeat(5_000_000)[..]].concat(), "more than 4000000 operations");
    refuse(
        "keys",
        &[
            b"}".to_vec(),
            (0..900_000u32).flat_map(|n| [b"Nr", &n.to_le_bytes()[..], b"0"].concat()).collect(),
            b".".to_vec(),
        ]
        .concat(),
        "holds no tensors by name",
    );
    refuse("a name a million times", &repeated(b"0}(", b"h\0N", 900_000, b"u."), "holds no tensors by name but 'xxx");
    refuse("a wrapper's", &repeated(b"0}(U\x05model}", b"h\0N", 900_000, b"u."), "holds no tensors by name");
    let dictionary = b"ccollections\nOrderedDict\nq\x010](";
    let pairs = [
        &dictionary[..],
        &b"]".repeat(0),
        &b"NN\x86".repeat(900_000),
        b"eq\x020}(",
        &b"Nh\x01h\x02\x85R".repeat(300_000),
        b"u.",
    ]
    .concat();
    refuse("a dictionary copied", &pairs, "many times its own size");
    refuse("itself", b"}q\x00U\x05modelh\x00s.", "holds no tensors by name");
    refuse("a list", b"]N.", "");
}

#[test]
fn the_old_format_lies() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("file.pth");
    let object = tensor(ONE[0], ONE[1], ONE[2], ONE[3]);
    let refuse = |what: &str, rest: &[u8], part: &str| {
        fs::write(&path, [MAGIC, &object, rest].concat()).unwrap();
        refuses(&path, what, part);
    };
    let (keys, head) = (&b"\x80\x02]U\x010a."[..], 1u64.to_le_bytes());
    refuse("nothing", b"", "its list of storages is no pickle of plain data: it ends at offset");
    refuse("no list", b"N.", "has no list of storages");
    refuse("a stranger", b"]U\x019a.", "storage '9', which no tensor uses");
    refuse("none", b"].", "tensor 'a': storage '0' is missing");
    refuse("cut", &[keys, &head, &[0; 3]].concat(), "storage '0' reaches beyond");
    refuse("another size", &[keys, &2u64.to_le_bytes(), &[0; 4]].concat(), "has 2 elements where 1 are announced");
    refuse("more", &[keys, &head, &[0; 5]].concat(), "too long");
    let text = [b"X\x00\x00\x10\x00", &[b'x'; 1 << 20][..], b"q\x000](", &b"h\0".repeat(1_900_000), b"e."].concat();
    refuse("keys without end", &text, "has no list of storages");
    fs::write(&path, [MAGIC, &object, keys, &head, &[0; 4]].concat()).unwrap();
    assert_eq!(Weights::open(&path).unwrap().tensors().len(), 1, "and the right one is read");
    fs::write(&path, [&MAGIC[..17], b"K\x05.\x80\x02}.", &object].concat()).unwrap();
    refuses(&path, "another version", "has version 5 of PyTorch's old format");
}

/// Files of a tebibyte, all of it holes behind a beginning.
#[test]
fn files_without_end() {
    let folder = golden();
    for name in ["net.pth", "net.legacy.pth", "net.safetensors"] {
        let path = folder.path().join(name);
        if File::options().write(true).open(&path).unwrap().set_len(1 << 40).is_ok() {
            let part = if name == "net.pth" { "its end is missing" } else { "too long, 1099511627776 bytes" };
            refuses(&path, name, part);
        }
    }
    if Path::new("/dev/zero").exists() {
        refuses(Path::new("/dev/zero"), "zeros", "/dev/zero");
    }
    refuses(folder.path(), "a folder", "is not a run directory");
    refuses(&folder.path().join("nowhere"), "nothing", "no such file or folder");
}

#[test]
fn every_file_cut_off_anywhere() {
    let folder = golden();
    for name in ["net.pth", "net.legacy.pth", "net.safetensors"] {
        let whole = bytes(folder.path(), name);
        for length in (0..whole.len()).step_by(7) {
            refused(&whole[..length]);
        }
    }
}

/// Names that would move a terminal's cursor are shown as escapes.
#[test]
fn names_are_shown_in_one_line() {
    let header = "{\"a\\u001b[2Jb\\nc\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}";
    let (_folder, path) = file(&safetensors(header, &[7]));
    let Done { code, stdout, stderr } = done(&mut limited(&["weights", "info", path.to_str().unwrap()]));
    assert_eq!((code, &*stderr), (Some(0), ""));
    assert!(stdout.contains("a\\u{1b}[2Jb\\nc  uint8") && !stdout.contains('\u{1b}'), "{stdout}");
}
