//! The rate limit of a connection.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Longest delay that a late sender may make up for; more would be a burst above the rate.
const CATCH_UP: Duration = Duration::from_millis(20);
/// A limited body is sent in this many pieces per second.
const PIECES_PER_SECOND: u64 = 200;
const SMALLEST_PIECE: usize = 1024;

/// Spreads bytes over time: a piece is due when its last byte would have arrived over a wire of that rate.
#[derive(Debug, Default)]
pub(super) struct Pacer {
    free_at: Option<Instant>,
}

impl Pacer {
    /// The delay before `bytes` may be sent at `rate` bytes per second.
    pub(super) fn delay(&mut self, bytes: usize, rate: u64, now: Instant) -> Duration {
        let earliest = now.checked_sub(CATCH_UP).unwrap_or(now);
        let free_at = self.free_at.map_or(now, |free_at| free_at.max(earliest));
        let time = Duration::from_secs_f64(bytes as f64 / rate.max(1) as f64);
        let due = free_at.checked_add(time).unwrap_or(free_at);
        self.free_at = Some(due);
        due.saturating_duration_since(now)
    }
}

/// A link that connections share; clones are the same link.
#[derive(Clone, Debug)]
pub struct Link {
    rate: u64,
    pacer: Arc<Mutex<Pacer>>,
}

impl Link {
    /// A link for `rate` bytes per second.
    pub fn new(rate: u64) -> Self {
        Link { rate, pacer: Arc::default() }
    }

    pub(super) fn rate(&self) -> u64 {
        self.rate
    }

    /// The delay before `bytes` may be sent over it.
    pub(super) fn delay(&self, bytes: usize, now: Instant) -> Duration {
        let mut pacer = self.pacer.lock().unwrap_or_else(PoisonError::into_inner);
        pacer.delay(bytes, self.rate, now)
    }
}

/// Number of bytes to send at once at `rate` bytes per second, at most `block`.
pub(super) fn piece(rate: u64, block: usize) -> usize {
    let piece = usize::try_from(rate / PIECES_PER_SECOND).unwrap_or(block);
    piece.clamp(SMALLEST_PIECE.min(block), block)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Time to send `count` pieces with a sender that always wakes up late by `late`.
    fn total(count: u32, late: Duration) -> Duration {
        let start = Instant::now();
        let mut now = start;
        let mut pacer = Pacer::default();
        for _ in 0..count {
            let delay = pacer.delay(1000, 100_000, now);
            now += delay + if delay.is_zero() { Duration::ZERO } else { late };
        }
        now - start
    }

    #[test]
    fn the_average_rate_is_exact() {
        assert_eq!(total(100, Duration::ZERO).as_millis(), 1000);
    }

    #[test]
    fn connections_share_the_rate_of_a_link() {
        let (link, start) = (Link::new(100_000), Instant::now());
        let other = link.clone();
        assert_eq!(link.delay(1000, start), Duration::from_millis(10));
        assert_eq!(other.delay(1000, start), Duration::from_millis(20));
        assert_eq!(link.delay(1000, start), Duration::from_millis(30));
    }

    #[test]
    fn late_wakeups_do_not_accumulate() {
        let total = total(100, Duration::from_millis(2));
        assert!((1000..=1002).contains(&total.as_millis()), "{total:?}");
    }

    #[test]
    fn idle_time_is_not_carried_over() {
        let mut pacer = Pacer::default();
        let start = Instant::now();
        pacer.delay(1000, 100_000, start);
        let later = start + Duration::from_secs(60);
        let delays: Duration = (0..10).map(|_| pacer.delay(1000, 100_000, later)).max().unwrap();
        assert!(delays >= Duration::from_millis(80), "{delays:?}");
    }
}
