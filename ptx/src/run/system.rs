//! Functions that every kernel finds: `printf`, `assert`, `malloc` and `free` (CUDA Programming Guide, C++ Language Extensions).

use super::fault::{Kind, What};
use super::step::{Next, Step};
use super::{lanes, printf};
use crate::code::Run;
use crate::lane::LANES;
use crate::text::tree::Space;

/// The longest text that is read of a kernel's memory.
const LONGEST: u64 = 4096;

/// What a call of the function `name` does, if it is one that the machine brings.
pub fn function(name: &str, passes: &[(usize, usize)], takes: &[(usize, usize)]) -> Option<Box<dyn Run>> {
    let offsets: Vec<usize> = passes.iter().map(|(offset, _)| *offset).collect();
    let result = takes.first().map(|(offset, _)| *offset);
    match (name, &offsets[..]) {
        ("vprintf", &[format, arguments]) => Some(Box::new(Print { format, arguments, result })),
        ("__assertfail", &[message, file, line, function, _]) => {
            Some(Box::new(Assert { message, file, line, function }))
        }
        _ => None,
    }
}

impl Step<'_, '_> {
    /// Eight bytes of a lane's `.param` variables, or four of them.
    fn passed(&self, lane: usize, offset: usize, bytes: usize) -> u64 {
        let frame = self.warp.groups[self.group].frame;
        let params = &self.warp.frames[frame].params;
        let at = lane * (params.len() / LANES) + offset;
        let mut value = [0; 8];
        value[..bytes].copy_from_slice(&params[at..at + bytes]);
        u64::from_le_bytes(value)
    }

    /// A text that ends with a zero, at a generic address.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn text(&self, lane: usize, address: u64) -> Result<Vec<u8>, &'static str> {
        let mut text = Vec::new();
        for at in address..address.saturating_add(LONGEST) {
            let pointer = self.pointer(Space::Generic, lane, at, 1, Kind::Read)?;
            // SAFETY: the pointer was just checked.
            match unsafe { *(pointer as *const u8) } {
                0 => break,
                byte => text.push(byte),
            }
        }
        Ok(text)
    }

    fn refused(&self, lane: usize, address: u64, why: &'static str) -> Next {
        let what = What::Access { kind: Kind::Read, space: Space::Generic, address, bytes: 1, why };
        Next::Fault(self.fault(lane, what))
    }
}

/// `printf`: a format, and where its arguments lie, each aligned to its size.
struct Print {
    format: usize,
    arguments: usize,
    result: Option<usize>,
}

impl Run for Print {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        for lane in lanes(mask) {
            let (format, arguments) = (step.passed(lane, self.format, 8), step.passed(lane, self.arguments, 8));
            let text = match step.text(lane, format) {
                Ok(text) => text,
                Err(why) => return step.refused(lane, format, why),
            };
            let read = |offset: u64, bytes: u64| {
                let pointer = step.pointer(Space::Generic, lane, arguments + offset, bytes, Kind::Read).ok()?;
                // SAFETY: the pointer was just checked.
                Some(unsafe {
                    match bytes {
                        4 => u64::from(*(pointer as *const u32)),
                        _ => *(pointer as *const u64),
                    }
                })
            };
            let printed = printf::print(&text, read, |address| step.text(lane, address).ok());
            let Some(printed) = printed else {
                return Next::Fault(step.fault(lane, What::Other("prints arguments that are not there".into())));
            };
            let count = printed.len() as u32;
            printf::out(&printed);
            if let Some(result) = self.result {
                let frame = step.warp.groups[step.group].frame;
                let params = &mut step.warp.frames[frame].params;
                let at = lane * (params.len() / LANES) + result;
                params[at..at + 4].copy_from_slice(&count.to_le_bytes());
            }
        }
        Next::On
    }
}

/// What `assert` calls where its condition does not hold.
struct Assert {
    message: usize,
    file: usize,
    line: usize,
    function: usize,
}

impl Run for Assert {
    fn run(&self, step: &mut Step<'_, '_>, mask: u32) -> Next {
        let lane = mask.trailing_zeros() as usize;
        let text = |offset: usize| {
            let text = step.text(lane, step.passed(lane, offset, 8)).unwrap_or_default();
            String::from_utf8_lossy(&text).into_owned()
        };
        let line = step.passed(lane, self.line, 4);
        let (message, file, function) = (text(self.message), text(self.file), text(self.function));
        let what = format!("asserts what does not hold: {message} ({file}:{line}, {function})");
        Next::Fault(step.fault(lane, What::Other(what)))
    }
}
