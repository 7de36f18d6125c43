//! Filling memory with a pattern (`cuda.h`: "Memory Management").

use crate::state::enter::in_context;
use crate::state::work::{Fill, Shape, Work};
use crate::status::{Status, wrong};

/// Rows of patterns.
#[derive(Clone, Copy)]
struct Area {
    to: u64,
    /// Bytes between rows; 0 where there is one.
    pitch: usize,
    /// Patterns in a row.
    count: usize,
    rows: usize,
}

/// The host does not wait for either form ("API synchronization behavior"), which differ in the stream.
fn fill(by: &'static str, area: Area, (pattern, bytes): (u32, usize), stream: u64) -> u32 {
    in_context(by, |driver, context| {
        let stream = driver.stream(context, stream)?;
        let Area { to, pitch, count, rows } = area;
        let shape = Shape { width: count * bytes, rows };
        if shape.span(pitch) == 0 {
            return Ok(());
        }
        if to % bytes as u64 != 0 || pitch % bytes != 0 {
            return wrong(Status::INVALID_VALUE, format!("{to:#x} is not aligned to a pattern of {bytes} bytes"));
        }
        driver.on_device(to, shape.span(pitch) as u64)?;
        driver.queue(stream, Work::Fill(Fill { to, pitch, bytes, pattern, shape }), by)?;
        driver.outcome(context)
    })
}

/// The forms for one size of pattern: a row or rows, on the default stream or another.
macro_rules! fills {
    ($($type:ty: $row:ident $row_async:ident $rows:ident $rows_async:ident)*) => {$(
        #[unsafe(no_mangle)]
        extern "C" fn $row(to: u64, pattern: $type, count: usize) -> u32 {
            let area = Area { to, pitch: 0, count, rows: 1 };
            fill(stringify!($row), area, (pattern.into(), size_of::<$type>()), 0)
        }

        #[unsafe(no_mangle)]
        extern "C" fn $row_async(to: u64, pattern: $type, count: usize, stream: u64) -> u32 {
            let area = Area { to, pitch: 0, count, rows: 1 };
            fill(stringify!($row_async), area, (pattern.into(), size_of::<$type>()), stream)
        }

        #[unsafe(no_mangle)]
        extern "C" fn $rows(to: u64, pitch: usize, pattern: $type, count: usize, rows: usize) -> u32 {
            let area = Area { to, pitch, count, rows };
            fill(stringify!($rows), area, (pattern.into(), size_of::<$type>()), 0)
        }

        #[unsafe(no_mangle)]
        extern "C" fn $rows_async(to: u64, pitch: usize, pattern: $type, count: usize, rows: usize, stream: u64) -> u32 {
            let area = Area { to, pitch, count, rows };
            fill(stringify!($rows_async), area, (pattern.into(), size_of::<$type>()), stream)
        }
    )*};
}

fills! {
    u8: cuMemsetD8_v2 cuMemsetD8Async cuMemsetD2D8_v2 cuMemsetD2D8Async
    u16: cuMemsetD16_v2 cuMemsetD16Async cuMemsetD2D16_v2 cuMemsetD2D16Async
    u32: cuMemsetD32_v2 cuMemsetD32Async cuMemsetD2D32_v2 cuMemsetD2D32Async
}
