//! The current rate of a download, from the number of bytes at a few moments.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The rate is that of about this time.
const WINDOW: Duration = Duration::from_secs(2);
/// Shortest time between two samples.
const INTERVAL: Duration = Duration::from_millis(250);

/// Samples of a growing number of bytes.
pub struct RateMeter {
    /// At most one is older than the window.
    samples: VecDeque<Sample>,
    /// The last sample that was dropped, at first the start.
    before: Sample,
}

#[derive(Clone, Copy)]
struct Sample {
    at: Instant,
    bytes: u64,
}

impl RateMeter {
    /// A meter of bytes that start to arrive at `start`.
    pub fn new(start: Instant) -> Self {
        RateMeter { samples: VecDeque::new(), before: Sample { at: start, bytes: 0 } }
    }

    /// Measures anew: time before `now` does not count.
    pub fn restart(&mut self, now: Instant, bytes: u64) {
        self.samples.clear();
        self.before = Sample { at: now, bytes };
    }

    /// Notes that `bytes` have arrived in all. To be called about four times a second; more calls cost little.
    pub fn note(&mut self, now: Instant, bytes: u64) {
        let last = self.samples.back().unwrap_or(&self.before);
        if now.saturating_duration_since(last.at) >= INTERVAL {
            self.samples.push_back(Sample { at: now, bytes });
            self.drop_old(now);
        }
    }

    /// Bytes per second of the last two seconds, or since the start if that is less; 0 in the first milliseconds.
    pub fn bytes_per_second(&mut self, now: Instant, bytes: u64) -> u64 {
        self.drop_old(now);
        let millis = now.saturating_duration_since(self.before.at).as_millis();
        let rate = u128::from(bytes.saturating_sub(self.before.bytes)) * 1000;
        u64::try_from(rate.checked_div(millis).unwrap_or(0)).unwrap_or(u64::MAX)
    }

    /// Makes `before` the newest sample that is as old as the window.
    fn drop_old(&mut self, now: Instant) {
        while let Some(next) = self.samples.front()
            && now.saturating_duration_since(next.at) >= WINDOW
        {
            self.before = *next;
            self.samples.pop_front();
        }
    }
}

/// Time in which `rate` bytes a second bring the remaining bytes; `None` if nothing arrives.
pub fn remaining_time(remaining: u64, rate: u64) -> Option<Duration> {
    if remaining == 0 {
        return Some(Duration::ZERO);
    }
    let millis = (u128::from(remaining) * 1000).checked_div(u128::from(rate))?;
    Some(Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Notes `bytes` every 100 ms for `steps` steps, starting at `now`; returns the time after them.
    fn arrive(
        meter: &mut RateMeter,
        mut now: Instant,
        total: &mut u64,
        bytes: u64,
        steps: u32,
    ) -> Instant {
        for _ in 0..steps {
            now += 100 * MS;
            *total += bytes;
            meter.note(now, *total);
        }
        now
    }

    #[test]
    fn at_first_the_rate_is_that_since_the_start() {
        let start = Instant::now();
        let mut meter = RateMeter::new(start);
        assert_eq!(meter.bytes_per_second(start, 50), 0);
        assert_eq!(meter.bytes_per_second(start + 100 * MS, 50), 500);
        assert_eq!(meter.bytes_per_second(start + 1000 * MS, 3000), 3000);
    }

    #[test]
    fn a_change_of_the_rate_shows_within_seconds_and_silence_is_a_rate_of_zero() {
        let (start, mut total) = (Instant::now(), 0);
        let mut meter = RateMeter::new(start);
        let now = arrive(&mut meter, start, &mut total, 1000, 600);
        assert_eq!(meter.bytes_per_second(now, total), 10_000);
        let now = arrive(&mut meter, now, &mut total, 10, 10);
        let slower = meter.bytes_per_second(now, total);
        assert!((1000..10_000).contains(&slower), "{slower}");
        let now = arrive(&mut meter, now, &mut total, 10, 15);
        assert_eq!(meter.bytes_per_second(now, total), 100);
        let now = arrive(&mut meter, now, &mut total, 0, 25);
        assert_eq!(meter.bytes_per_second(now, total), 0);
    }

    #[test]
    fn it_keeps_few_samples_and_reading_does_not_need_any() {
        let (start, mut total) = (Instant::now(), 0);
        let mut meter = RateMeter::new(start);
        let now = arrive(&mut meter, start, &mut total, 1000, 600);
        assert!(meter.samples.len() <= 9, "{}", meter.samples.len());
        // The noting thread was busy for a minute: the rate is that of the minute.
        assert_eq!(meter.bytes_per_second(now + 60_000 * MS, total + 600_000), 10_000);
    }

    #[test]
    fn the_remaining_time_is_unknown_only_while_nothing_arrives() {
        assert_eq!(remaining_time(0, 0), Some(Duration::ZERO));
        assert_eq!(remaining_time(1, 0), None);
        assert_eq!(remaining_time(5000, 2000), Some(2500 * MS));
        assert!(remaining_time(u64::MAX, 1).is_some());
    }
}
