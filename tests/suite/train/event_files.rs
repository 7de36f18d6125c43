//! Reads event files as TensorBoard does, checksums and all.

use std::path::Path;

/// CRC-32C bit by bit, masked as TFRecord does.
fn masked(bytes: &[u8]) -> u32 {
    crc(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

pub fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 })
    })
}

/// The payloads of a file's records; where a checksum is wrong or a record cut off, what is before and an error.
pub fn records(mut bytes: &[u8]) -> (Vec<Vec<u8>>, Result<(), String>) {
    let mut payloads = Vec::new();
    while !bytes.is_empty() {
        let word = |at: usize| bytes.get(at..at + 4).map(|b| u32::from_le_bytes(b.try_into().unwrap()));
        let (Some(length), Some(check)) = (word(0), word(8)) else { return (payloads, Err("cut off".into())) };
        if check != masked(&bytes[..8]) {
            return (payloads, Err("the length's checksum is wrong".into()));
        }
        let end = 12 + length as usize;
        let Some(check) = word(end) else { return (payloads, Err("cut off".into())) };
        if check != masked(&bytes[12..end]) {
            return (payloads, Err("the data's checksum is wrong".into()));
        }
        payloads.push(bytes[12..end].to_vec());
        bytes = &bytes[end + 4..];
    }
    (payloads, Ok(()))
}

/// The fields of a protobuf message: number and bytes (of a varint its value's).
fn fields(mut bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let end = bytes.iter().position(|byte| byte & 0x80 == 0).unwrap();
        let value = bytes[..=end].iter().rev().fold(0, |value, byte| value << 7 | u64::from(byte & 0x7f));
        *bytes = &bytes[end + 1..];
        value
    }
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let length = match key & 7 {
            0 => {
                fields.push((key >> 3, varint(&mut bytes).to_le_bytes().to_vec()));
                continue;
            }
            1 => 8,
            2 => varint(&mut bytes) as usize,
            5 => 4,
            kind => panic!("wire type {kind}"),
        };
        fields.push((key >> 3, bytes[..length].to_vec()));
        bytes = &bytes[length..];
    }
    fields
}

fn only(fields: &[(u64, Vec<u8>)], number: u64) -> Option<&[u8]> {
    fields.iter().find(|field| field.0 == number).map(|field| &field.1[..])
}

/// What a file says, a line each: step, then `start`, or tag and value (of an image its size).
pub fn told(path: &Path) -> Vec<(u64, String)> {
    let (payloads, end) = records(&std::fs::read(path).unwrap());
    end.unwrap();
    let number = |bytes: &[u8]| bytes.try_into().map(u64::from_le_bytes).unwrap();
    let mut lines = Vec::new();
    for payload in &payloads {
        let event = fields(payload);
        let seconds = f64::from_le_bytes(only(&event, 1).unwrap().try_into().unwrap());
        assert!(seconds > 1.7e9, "{seconds}");
        let step = only(&event, 2).map_or(0, number);
        if let Some(version) = only(&event, 3) {
            assert_eq!((version, lines.len()), (&b"brain.Event:2"[..], 0));
        }
        if let Some(session) = only(&event, 7) {
            assert_eq!(only(&fields(session), 1).map(number), Some(1));
            lines.push((step, "start".into()));
        }
        for (_, value) in only(&event, 5).map(fields).unwrap_or_default() {
            let value = fields(&value);
            let tag = String::from_utf8(only(&value, 1).unwrap().to_vec()).unwrap();
            let shown = match (only(&value, 2), only(&value, 4)) {
                (None, None) => {
                    let plugin = fields(&fields(only(&value, 9).unwrap())[0].1);
                    assert_eq!(only(&plugin, 1), Some(&b"hparams"[..]));
                    let session = &fields(only(&plugin, 2).unwrap())[0];
                    let settings = fields(&session.1).iter().filter(|field| field.0 == 1).count();
                    format!("of session, field {}, {settings} of field 1", session.0)
                }
                (Some(float), None) => f32::from_le_bytes(float.try_into().unwrap()).to_string(),
                (None, Some(image)) => {
                    let image = fields(image);
                    let picture = image::load_from_memory(only(&image, 4).unwrap()).unwrap();
                    let size = [2, 1].map(|field| number(only(&image, field).unwrap()) as u32);
                    assert_eq!(size, [picture.width(), picture.height()]);
                    "picture".into()
                }
                other => panic!("{other:?}"),
            };
            lines.push((step, format!("{tag} {shown}")));
        }
    }
    lines
}

pub fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let all = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = all.filter(|path| path.to_string_lossy().contains("tfevents")).collect();
    files.sort();
    files
}
