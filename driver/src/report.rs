//! Lines on the standard error about what a program did wrong.

use std::sync::atomic::{AtomicU64, Ordering};

static MISTAKES: AtomicU64 = AtomicU64::new(0);

/// Tells of a mistake: one line, with the call that it was seen in.
pub fn mistake(call: &str, why: &str) {
    MISTAKES.fetch_add(1, Ordering::Relaxed);
    say(&format!("{call}: {why}"));
}

/// Writes a line that stays whole beside those of other threads.
pub fn say(line: &str) {
    eprintln!("warptape-driver: {line}");
}

/// Mistakes that were told so far.
pub fn mistakes() -> u64 {
    MISTAKES.load(Ordering::Relaxed)
}
