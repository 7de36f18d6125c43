//! Time by the wall clock.

use std::time::Instant;

use crate::error::Result;

/// Seconds that the work takes which `issue` issues, from an idle device to an idle device.
pub(super) fn wall(idle: impl Fn() -> Result<()>, issue: &mut dyn FnMut() -> Result<()>) -> Result<f64> {
    idle()?;
    let started = Instant::now();
    issue()?;
    idle()?;
    Ok(started.elapsed().as_secs_f64())
}
