//! Measures how long a download has waited without a byte. Pure: the caller passes the time.

use std::time::{Duration, Instant};

/// Interval at which a waiting thread advances the clock.
pub const CHECK_INTERVAL: Duration = Duration::from_millis(250);
/// The longest time between two calls that counts. If more has passed, this process did not run: it was stopped, or the
/// machine slept, and the missing bytes are nobody's fault.
const MAX_COUNTED_INTERVAL: Duration = Duration::from_secs(1);

/// Measures the time since the last byte.
#[derive(Clone, Copy, Debug)]
pub struct StallClock {
    stalled_for: Duration,
    updated: Instant,
    /// A deliberate pause does not count.
    suspended_until: Option<Instant>,
}

impl StallClock {
    pub fn new(now: Instant) -> Self {
        StallClock { stalled_for: Duration::ZERO, updated: now, suspended_until: None }
    }

    /// A byte arrived, or nothing is expected.
    pub fn reset(&mut self, now: Instant) {
        *self = StallClock::new(now);
    }

    /// Starts again at `until`, or at the end of an earlier call if that is later.
    pub fn suspend_until(&mut self, now: Instant, until: Instant) {
        let suspended_until = self.suspended_until.max(Some(until));
        *self = StallClock { suspended_until, ..StallClock::new(now) };
    }

    /// The time since the last call does not count.
    pub fn skip(&mut self, now: Instant) {
        self.updated = now;
    }

    /// Starts again, without the end of a deliberate pause.
    pub fn restart(&mut self, now: Instant) {
        *self = StallClock { suspended_until: self.suspended_until, ..StallClock::new(now) };
    }

    /// Adds the time since the last call; returns the time without a byte so far.
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
    fn stalled_time_accumulates_until_a_byte_arrives() {
        let start = Instant::now();
        let mut clock = StallClock::new(start);
        for look in 1..=40 {
            assert_eq!(clock.advance(start + CHECK_INTERVAL * look), CHECK_INTERVAL * look);
        }
        clock.reset(start + seconds(10));
        assert_eq!(clock.advance(start + seconds(10) + CHECK_INTERVAL), CHECK_INTERVAL);
    }

    #[test]
    fn time_in_which_the_process_did_not_run_is_not_stalled_time() {
        let start = Instant::now();
        let mut clock = StallClock::new(start);
        assert_eq!(clock.advance(start + seconds(3600)), MAX_COUNTED_INTERVAL);
    }

    #[test]
    fn a_deliberate_pause_is_not_stalled_time() {
        let start = Instant::now();
        let mut clock = StallClock::new(start);
        clock.advance(start + seconds(1));
        clock.suspend_until(start + seconds(1), start + seconds(60));
        assert_eq!(clock.advance(start + seconds(59)), Duration::ZERO);
        assert_eq!(clock.advance(start + seconds(60)), seconds(1));
    }

    #[test]
    fn skipped_time_does_not_count() {
        let start = Instant::now();
        let mut clock = StallClock::new(start);
        clock.advance(start + CHECK_INTERVAL);
        clock.skip(start + seconds(60));
        assert_eq!(clock.advance(start + seconds(60) + CHECK_INTERVAL), 2 * CHECK_INTERVAL);
    }

    #[test]
    fn a_restart_keeps_the_end_of_a_deliberate_pause() {
        let start = Instant::now();
        let mut clock = StallClock::new(start);
        clock.suspend_until(start, start + seconds(60));
        clock.restart(start + seconds(30));
        assert_eq!(clock.advance(start + seconds(59)), Duration::ZERO);
        assert_eq!(clock.advance(start + seconds(60)), seconds(1));
    }

    #[test]
    fn a_shorter_pause_does_not_end_a_longer_one() {
        let start = Instant::now();
        let mut clock = StallClock::new(start);
        clock.suspend_until(start, start + seconds(3));
        clock.suspend_until(start, start + seconds(1));
        assert_eq!(clock.advance(start + seconds(2)), Duration::ZERO);
        assert_eq!(clock.advance(start + seconds(3)), seconds(1));
    }
}
