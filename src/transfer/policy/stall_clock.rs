//! How long a download has waited in vain. Pure: the clock is the caller's.

use std::time::{Duration, Instant};

/// How often whoever waits looks at the clock.
pub const CHECK_INTERVAL: Duration = Duration::from_millis(250);
/// The longest time between two looks that counts. More passed only because this process did not run: it was
/// stopped, or the machine slept, and nobody can be blamed for what did not come meanwhile.
const MAX_COUNTED_INTERVAL: Duration = Duration::from_secs(1);

/// Measures the stalled_for since something came.
#[derive(Clone, Copy, Debug)]
pub struct StallClock {
    stalled_for: Duration,
    updated: Instant,
    /// A pause that was decided on is no stalled_for.
    suspended_until: Option<Instant>,
}

impl StallClock {
    pub fn new(now: Instant) -> Self {
        StallClock { stalled_for: Duration::ZERO, updated: now, suspended_until: None }
    }

    /// Something came, or nothing is waited for.
    pub fn reset(&mut self, now: Instant) {
        *self = StallClock::new(now);
    }

    /// Starts afresh at `until`.
    pub fn suspend_until(&mut self, now: Instant, until: Instant) {
        *self = StallClock { suspended_until: Some(until), ..StallClock::new(now) };
    }

    /// Nothing has come since the last look: the stalled_for so far.
    pub fn advance(&mut self, now: Instant) -> Duration {
        let passed = now.saturating_duration_since(self.updated).min(MAX_COUNTED_INTERVAL);
        self.updated = now;
        if self.suspended_until.is_none_or(|until| until <= now) {
            self.stalled_for += passed;
        }
        self.stalled_for
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn silence_adds_up_until_something_comes() {
        let start = Instant::now();
        let mut clock = StallClock::new(start);
        for look in 1..=40 {
            assert_eq!(clock.advance(start + CHECK_INTERVAL * look), CHECK_INTERVAL * look);
        }
        clock.reset(start + seconds(10));
        assert_eq!(clock.advance(start + seconds(10) + CHECK_INTERVAL), CHECK_INTERVAL);
    }

    #[test]
    fn time_in_which_the_process_did_not_run_is_nobody_s_silence() {
        let start = Instant::now();
        let mut clock = StallClock::new(start);
        assert_eq!(clock.advance(start + seconds(3600)), MAX_COUNTED_INTERVAL);
    }

    #[test]
    fn a_pause_that_was_decided_on_is_no_silence() {
        let start = Instant::now();
        let mut clock = StallClock::new(start);
        clock.advance(start + seconds(1));
        clock.suspend_until(start + seconds(1), start + seconds(60));
        assert_eq!(clock.advance(start + seconds(59)), Duration::ZERO);
        assert_eq!(clock.advance(start + seconds(60)), seconds(1));
    }
}
