//! How long a download has waited in vain. Pure: the clock is the caller's.

use std::time::{Duration, Instant};

/// How often whoever waits looks at the clock.
pub const LOOK_EVERY: Duration = Duration::from_millis(250);
/// The longest time between two looks that counts. More passed only because this process did not run: it was
/// stopped, or the machine slept, and nobody can be blamed for what did not come meanwhile.
const LONGEST_LOOK: Duration = Duration::from_secs(1);

/// Measures the silence since something came.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    silence: Duration,
    looked: Instant,
    /// A pause that was decided on is no silence.
    excused_until: Option<Instant>,
}

impl Patience {
    pub fn new(now: Instant) -> Self {
        Patience { silence: Duration::ZERO, looked: now, excused_until: None }
    }

    /// Something came, or nothing is waited for.
    pub fn renew(&mut self, now: Instant) {
        *self = Patience::new(now);
    }

    /// Starts afresh at `until`.
    pub fn excuse(&mut self, now: Instant, until: Instant) {
        *self = Patience { excused_until: Some(until), ..Patience::new(now) };
    }

    /// Nothing has come since the last look: the silence so far.
    pub fn look(&mut self, now: Instant) -> Duration {
        let passed = now.saturating_duration_since(self.looked).min(LONGEST_LOOK);
        self.looked = now;
        if self.excused_until.is_none_or(|until| until <= now) {
            self.silence += passed;
        }
        self.silence
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
        let mut patience = Patience::new(start);
        for look in 1..=40 {
            assert_eq!(patience.look(start + LOOK_EVERY * look), LOOK_EVERY * look);
        }
        patience.renew(start + seconds(10));
        assert_eq!(patience.look(start + seconds(10) + LOOK_EVERY), LOOK_EVERY);
    }

    #[test]
    fn time_in_which_the_process_did_not_run_is_nobody_s_silence() {
        let start = Instant::now();
        let mut patience = Patience::new(start);
        assert_eq!(patience.look(start + seconds(3600)), LONGEST_LOOK);
    }

    #[test]
    fn a_pause_that_was_decided_on_is_no_silence() {
        let start = Instant::now();
        let mut patience = Patience::new(start);
        patience.look(start + seconds(1));
        patience.excuse(start + seconds(1), start + seconds(60));
        assert_eq!(patience.look(start + seconds(59)), Duration::ZERO);
        assert_eq!(patience.look(start + seconds(60)), seconds(1));
    }
}
