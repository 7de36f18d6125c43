//! Events: points in a stream whose times the GPU takes by its own clock.

use cudarc::driver::result::{DriverError, event};
use cudarc::driver::sys::{CUevent, CUevent_flags, CUstream};

/// The first driver with the function that cudarc calls to compare two events; it panics where that is missing.
pub(super) const MEASURES: (u32, u32) = (12, 8);

/// A point in a stream, once it is recorded. Its context must be current for every call.
pub(super) struct Event(CUevent);

impl Event {
    pub(super) fn new() -> Result<Self, DriverError> {
        event::create(CUevent_flags::CU_EVENT_DEFAULT).map(Self)
    }

    pub(super) fn record(&self, stream: CUstream) -> Result<(), DriverError> {
        // SAFETY: the event lives as long as `self`.
        unsafe { event::record(self.0, stream) }
    }

    /// Seconds from `start` to this, both recorded and passed, with a resolution of about half a microsecond. The driver
    /// must be at least [`MEASURES`].
    pub(super) fn seconds_since(&self, start: &Event) -> Result<f64, DriverError> {
        // SAFETY: both events live.
        unsafe { event::elapsed(start.0, self.0) }.map(|milliseconds| f64::from(milliseconds) / 1e3)
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: made once, destroyed once; one that is not over yet is let go by the driver afterwards.
        _ = unsafe { event::destroy(self.0) };
    }
}
