//! The requests that a rule with a limit admitted.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

/// Requests of the last second, and requests in progress.
#[derive(Debug, Default)]
pub(super) struct Load {
    recent: VecDeque<Instant>,
    active: Arc<()>,
}

/// Counts a request as in progress until it is dropped.
#[derive(Debug)]
pub(crate) struct Admission {
    _active: Arc<()>,
}

impl Load {
    /// Number of requests admitted in the second before `now`.
    pub(super) fn rate(&mut self, now: Instant) -> u64 {
        self.forget(now);
        self.recent.len() as u64
    }

    /// Number of requests in progress.
    pub(super) fn active(&self) -> u64 {
        // One reference is its own.
        Arc::strong_count(&self.active) as u64 - 1
    }

    /// Admits a request at `now`.
    pub(super) fn admit(&mut self, now: Instant) -> Admission {
        self.forget(now);
        self.recent.push_back(now);
        Admission { _active: self.active.clone() }
    }

    fn forget(&mut self, now: Instant) {
        let is_old = |time: &Instant| now.saturating_duration_since(*time) >= SECOND;
        while self.recent.front().is_some_and(is_old) {
            self.recent.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_counts_for_one_second() {
        let mut load = Load::default();
        let start = Instant::now();
        let half = start + SECOND / 2;
        drop((load.admit(start), load.admit(half)));
        assert_eq!(load.rate(half), 2);
        assert_eq!(load.rate(start + SECOND), 1);
        assert_eq!(load.rate(half + SECOND), 0);
    }

    #[test]
    fn a_request_is_active_until_its_admission_is_dropped() {
        let mut load = Load::default();
        let (one, other) = (load.admit(Instant::now()), load.admit(Instant::now()));
        assert_eq!(load.active(), 2);
        drop(one);
        assert_eq!(load.active(), 1);
        drop(other);
        assert_eq!(load.active(), 0);
    }
}
