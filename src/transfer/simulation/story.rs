//! The story of a life, for those who want to know why it failed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

/// Lines in the order in which they happened.
#[derive(Default)]
pub struct Story {
    now: AtomicU64,
    lines: Mutex<Vec<String>>,
}

impl Story {
    /// Adds a line of a process.
    pub fn add(&self, process: usize, line: &str) {
        let now = self.now.load(Ordering::Relaxed) as f64 / 1e9;
        self.lines.lock().push(format!("{now:11.6} s  process {process} {line}"));
    }

    pub fn set_time(&self, now: Duration) {
        self.now.store(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.lines.lock())
    }
}
