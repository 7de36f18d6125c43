//! What is loaded as a module: cubins that carry their PTX, fat binaries, PTX as text.

pub mod cubin;
pub mod elf;
mod fatbin;
mod lz4;

use std::ffi::{CStr, c_char};

use crate::status::{Answer, Status, wrong};
use cubin::Cubin;

/// The device's compute capability.
pub const CAPABILITY: (u32, u32) = (9, 0);

/// A module as text, and what its machine code tells where it was compiled before.
#[derive(Debug)]
pub struct Image {
    pub ptx: String,
    pub cubin: Option<Cubin>,
}

/// Reads the image at `at`, whose length only its contents tell.
///
/// # Errors
/// Nothing that a module can be loaded from, or machine code without PTX.
///
/// # Safety
/// It is whole.
pub unsafe fn read(at: *const u8) -> Answer<Image> {
    if at.is_null() {
        return wrong(Status::INVALID_VALUE, "a null pointer instead of an image");
    }
    // SAFETY: the caller's promise; every kind of image has more than four bytes, a text its NUL.
    unsafe {
        let mut start = [0u8; 4];
        for (place, byte) in start.iter_mut().enumerate() {
            *byte = *at.add(place);
            if *byte == 0 {
                break;
            }
        }
        if start == elf::MAGIC {
            let length = elf::length(std::slice::from_raw_parts(at, elf::HEADER));
            return of_elf(std::slice::from_raw_parts(at, length));
        }
        if let Some(image) = fatbin::read(at, start)? {
            return Ok(image);
        }
        match CStr::from_ptr(at.cast::<c_char>()).to_str() {
            Ok(text) if text.contains(".version") => Ok(Image { ptx: text.to_owned(), cubin: None }),
            _ => wrong(Status::INVALID_IMAGE, "the image is neither a cubin, nor a fat binary, nor PTX"),
        }
    }
}

/// Reads the image in a file.
///
/// # Errors
/// There is none, and those of [`read`].
pub fn of_file(path: &str) -> Answer<Image> {
    let mut bytes = std::fs::read(path).map_err(|_| Status::FILE_NOT_FOUND)?;
    // PTX in a file has no NUL at its end, and an image is taken to have what its header says.
    bytes.resize(bytes.len() + elf::HEADER, 0);
    // SAFETY: what is in a file is there as a whole, with zeros behind it.
    unsafe { read(bytes.as_ptr()) }
}

/// Reads a cubin.
fn of_elf(bytes: &[u8]) -> Answer<Image> {
    let Some(sections) = elf::sections(bytes) else {
        return wrong(Status::INVALID_IMAGE, "the cubin is broken: its tables lead out of it");
    };
    let Some(ptx) = sections.iter().find(|section| section.name == elf::PTX) else {
        return wrong(
            Status::NO_BINARY_FOR_GPU,
            "the cubin carries no PTX, which alone runs here: it was made by an NVRTC without the one around it, \
             or comes from a cache that a GPU's driver uses, too",
        );
    };
    let text = String::from_utf8_lossy(ptx.contents).trim_end_matches('\0').to_owned();
    Ok(Image { ptx: text, cubin: Some(Cubin::read(&sections)) })
}

impl Image {
    /// Whether a driver of CUDA `version` loads this for the device ("CUDA Compatibility").
    ///
    /// # Errors
    /// It is for another architecture, or was made by a compiler that is too new.
    pub fn suits(&self, version: (u32, u32)) -> Answer {
        let directive = |name: &str| {
            let rest = self.ptx.lines().find_map(|line| line.trim_start().strip_prefix(name))?;
            rest.trim().split([',', ' ', ';']).next()
        };
        let target = directive(".target").unwrap_or_default();
        let isa = directive(".version").and_then(cuda_of).unwrap_or((0, 0));
        let digits: String = target.chars().filter(char::is_ascii_digit).collect();
        let number: u32 = digits.parse().unwrap_or(0);
        let (major, own) = (number / 10, CAPABILITY.0 * 10 + CAPABILITY.1);
        let for_one = target.ends_with('a') || target.ends_with('f');
        let compiled = self.cubin.is_some();
        if number > own || (for_one && number != own) || (compiled && major != CAPABILITY.0) {
            let status = if compiled { Status::NO_BINARY_FOR_GPU } else { Status::INVALID_PTX };
            return wrong(status, format!("the module is for {target}, and this device is sm_{own}"));
        }
        let (of_major, of_minor) = isa;
        let told = format!(
            "it was compiled by CUDA {of_major}.{of_minor}, and this driver is for {}.{}",
            version.0, version.1
        );
        if compiled && of_major > version.0 {
            return wrong(Status::INVALID_IMAGE, told);
        }
        if !compiled && isa > version {
            return wrong(Status::UNSUPPORTED_PTX_VERSION, told);
        }
        Ok(())
    }
}

/// The CUDA that a version of the PTX ISA came with (ISA 13, "Release Notes").
fn cuda_of(isa: &str) -> Option<(u32, u32)> {
    let (major, minor) = isa.split_once('.')?;
    let (major, minor): (u32, u32) = (major.parse().ok()?, minor.parse().ok()?);
    match (major, minor) {
        (8, 0..=5) => Some((12, minor)),
        (8, _) => Some((12, minor + 1)),
        (9.., _) => Some((major + 4, minor)),
        _ => Some((11, 0)),
    }
}
