//! A bandwidth limit shared by connections: each reserves time for its bytes in a queue before it accepts them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Unused time that may be made up for, so that a loop's late wake-ups cost no throughput.
const BURST: Duration = Duration::from_millis(50);
/// Longest reservation, for extremely low limits.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);

/// One limit, shared by connections; it may be changed while they run.
pub struct Bandwidth {
    /// Bytes per second; 0: no limit. A copy for reads without the lock.
    rate: AtomicU64,
    queue: Mutex<Queue>,
    /// Connections of this download that wait because of this limit or the client's.
    waiting: AtomicUsize,
}

/// The reservations of the connections, one after another. Pure: the caller passes the time.
struct Queue {
    rate: u64,
    /// Distinguishes reservations made before a change from later ones.
    epoch: u64,
    free_at: Option<Instant>,
}

impl Queue {
    /// Reserves time for `bytes`; returns when they may be accepted.
    fn reserve(&mut self, bytes: u64, now: Instant) -> Instant {
        let earliest = now.checked_sub(BURST).unwrap_or(now);
        let turn = self.free_at.map_or(earliest, |free| free.max(earliest));
        self.free_at = Some(turn + self.cost(bytes));
        turn
    }

    /// Takes back a reservation of `bytes`: those who reserve next get the time.
    fn give_back(&mut self, bytes: u64) {
        let cost = self.cost(bytes);
        self.free_at = self.free_at.and_then(|free| free.checked_sub(cost));
    }

    /// The time of `bytes`.
    fn cost(&self, bytes: u64) -> Duration {
        let nanoseconds =
            (u128::from(bytes) * 1_000_000_000).div_ceil(u128::from(self.rate.max(1)));
        let cost = u64::try_from(nanoseconds).map_or(LONGEST_WAIT, Duration::from_nanos);
        cost.min(LONGEST_WAIT)
    }

    fn change(&mut self, rate: u64, now: Instant) {
        self.rate = rate;
        self.epoch += 1;
        self.free_at = Some(now);
    }
}

impl Bandwidth {
    /// `rate` in bytes per second; 0: no limit.
    pub fn new(rate: u64) -> Self {
        let queue = Mutex::new(Queue { rate, epoch: 0, free_at: None });
        Bandwidth { rate: AtomicU64::new(rate), queue, waiting: AtomicUsize::new(0) }
    }

    /// Sets the limit to `rate` bytes per second from now on; 0: no limit.
    pub fn set(&self, rate: u64) {
        let mut queue = self.queue.lock();
        if queue.rate != rate {
            queue.change(rate, Instant::now());
            self.rate.store(rate, Ordering::Release);
        }
    }

    pub fn is_limited(&self) -> bool {
        self.rate.load(Ordering::Acquire) != 0
    }

    /// Whether a connection of this limit's download waits.
    pub fn holds_back(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) != 0
    }
}

/// One connection's reservation under one limit.
struct LimitShare {
    bandwidth: Arc<Bandwidth>,
    turn: Option<Turn>,
}

/// Bytes that are reserved, and when they may be accepted.
struct Turn {
    at: Instant,
    reserved: u64,
    epoch: u64,
}

impl LimitShare {
    /// Reserves `bytes`; returns when they may be accepted, or `None` for now.
    fn ask(&mut self, bytes: u64, now: Instant) -> Option<Instant> {
        if !self.bandwidth.is_limited() {
            self.turn = None;
            return None;
        }
        let mut queue = self.bandwidth.queue.lock();
        if queue.rate == 0 {
            // The limit was lifted after the check above.
            self.turn = None;
            return None;
        }
        let mut turn = match self.turn.take() {
            Some(turn) if turn.epoch == queue.epoch => turn,
            _ => Turn { at: now, reserved: 0, epoch: queue.epoch },
        };
        if turn.reserved < bytes {
            turn.at = queue.reserve(bytes - turn.reserved, now);
            turn.reserved = bytes;
        }
        let at = turn.at;
        self.turn = Some(turn);
        (at > now).then_some(at)
    }

    fn spend(&mut self, bytes: u64) {
        if let Some(turn) = &mut self.turn {
            turn.reserved = turn.reserved.saturating_sub(bytes);
        }
    }

    /// Gives up what is still reserved.
    fn leave(&mut self) {
        let Some(turn) = self.turn.take() else { return };
        let mut queue = self.bandwidth.queue.lock();
        if turn.epoch == queue.epoch {
            queue.give_back(turn.reserved);
        }
    }

    /// When the reserved bytes may be accepted; a reservation under an earlier limit is no reason to wait.
    fn turn(&self) -> Option<Instant> {
        let turn = self.turn.as_ref()?;
        (turn.epoch == self.bandwidth.queue.lock().epoch).then_some(turn.at)
    }
}

/// One connection under the limits of its client and of its download.
pub struct RateLimiter {
    /// The limit of the client and that of the download.
    shares: [LimitShare; 2],
    waiting: bool,
}

impl RateLimiter {
    pub fn new(client: &Arc<Bandwidth>, download: &Arc<Bandwidth>) -> Self {
        let shares =
            [client, download].map(|b| LimitShare { bandwidth: Arc::clone(b), turn: None });
        RateLimiter { shares, waiting: false }
    }

    /// Whether `bytes` may be accepted now. If not, the caller tries again with the same bytes at
    /// [`RateLimiter::turn`].
    pub fn admit(&mut self, bytes: usize, now: Instant) -> bool {
        let bytes = bytes as u64;
        let waits = self.shares.each_mut().map(|share| share.ask(bytes, now).is_some());
        self.note_waiting(waits.contains(&true));
        if !self.waiting {
            self.shares.iter_mut().for_each(|share| share.spend(bytes));
        }
        !self.waiting
    }

    /// Whether the connection has to wait.
    pub fn is_waiting(&self) -> bool {
        self.waiting
    }

    /// When a waiting connection may continue; a past time if it no longer has to wait.
    pub fn turn(&self, now: Instant) -> Option<Instant> {
        let turns = || self.shares.iter().filter_map(LimitShare::turn);
        self.waiting.then(|| turns().max().unwrap_or(now))
    }

    fn note_waiting(&mut self, waiting: bool) {
        let [_, LimitShare { bandwidth: download, .. }] = &self.shares;
        match (self.waiting, waiting) {
            (false, true) => _ = download.waiting.fetch_add(1, Ordering::Relaxed),
            (true, false) => _ = download.waiting.fetch_sub(1, Ordering::Relaxed),
            _ => {}
        }
        self.waiting = waiting;
    }
}

impl Drop for RateLimiter {
    fn drop(&mut self) {
        self.note_waiting(false);
        self.shares.iter_mut().for_each(LimitShare::leave);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CHUNK: usize = 16 * 1024;

    fn limited(rate: u64) -> Arc<Bandwidth> {
        Arc::new(Bandwidth::new(rate))
    }

    /// The bytes that each of `connections` receives in `time`, which passes in simulated steps.
    fn run(connections: &mut [RateLimiter], start: Instant, time: Duration) -> Vec<u64> {
        let mut taken = vec![0; connections.len()];
        let mut now = start;
        while now < start + time {
            for (throttle, taken) in connections.iter_mut().zip(&mut taken) {
                while throttle.turn(now).is_none_or(|turn| turn <= now) && *taken < 1 << 40 {
                    if !throttle.admit(CHUNK, now) {
                        break;
                    }
                    *taken += CHUNK as u64;
                }
            }
            now += Duration::from_millis(5);
        }
        taken
    }

    fn connections(
        count: usize,
        client: &Arc<Bandwidth>,
        own: &Arc<Bandwidth>,
    ) -> Vec<RateLimiter> {
        (0..count).map(|_| RateLimiter::new(client, own)).collect()
    }

    #[test]
    fn the_limit_is_the_total_of_all_connections_and_they_share_it_evenly() {
        let mut four = connections(4, &limited(1_000_000), &limited(0));
        let taken = run(&mut four, Instant::now(), Duration::from_secs(10));
        let total: u64 = taken.iter().sum();
        assert!((9_900_000..10_200_000).contains(&total), "{total}");
        let (least, most) = (taken.iter().min().copied(), taken.iter().max().copied());
        assert!(most.unwrap_or(0) - least.unwrap_or(0) <= 50_000 + 4 * CHUNK as u64, "{taken:?}");
    }

    #[test]
    fn the_lower_of_two_limits_applies() {
        for (client, own) in [(500_000, 9_000_000), (9_000_000, 500_000)] {
            let mut one = connections(1, &limited(client), &limited(own));
            let taken = run(&mut one, Instant::now(), Duration::from_secs(4));
            assert!((1_950_000..2_100_000).contains(&taken[0]), "{taken:?}");
        }
    }

    #[test]
    fn a_change_ends_waits_under_the_former_limit() {
        let bandwidth = limited(1);
        let mut throttle = RateLimiter::new(&bandwidth, &limited(0));
        let now = Instant::now();
        while throttle.admit(CHUNK, now) {}
        assert!(throttle.turn(now).is_some_and(|turn| turn > now + Duration::from_secs(3600)));
        bandwidth.set(0);
        assert_eq!(throttle.turn(now), Some(now), "it is not kept waiting");
        assert!(throttle.admit(CHUNK, now) && !throttle.is_waiting());
    }

    #[test]
    fn a_limit_that_is_lifted_between_two_checks_makes_nobody_wait() {
        let bandwidth = limited(1);
        // A connection that read the former rate finds the new one in the queue.
        bandwidth.queue.lock().change(0, Instant::now());
        let mut both = connections(2, &bandwidth, &limited(0));
        let now = Instant::now();
        for throttle in &mut both {
            assert!(throttle.admit(CHUNK, now) && !throttle.is_waiting());
        }
    }

    #[test]
    fn a_download_is_held_back_while_one_of_its_connections_waits_under_either_limit() {
        for (client, own) in [(1, 0), (0, 1)] {
            let own = limited(own);
            let mut both = connections(2, &limited(client), &own);
            let now = Instant::now();
            assert!(both[0].admit(CHUNK, now) && !own.holds_back());
            assert!(!both[0].admit(CHUNK, now) && !both[1].admit(CHUNK, now));
            both.pop();
            assert!(own.holds_back());
            let later = both[0].turn(now).expect("a turn");
            assert!(both[0].admit(CHUNK, later) && !own.holds_back());
            assert!(!both[0].admit(CHUNK, later) && own.holds_back());
            both.clear();
            assert!(!own.holds_back(), "a connection that ends waits no longer");
        }
    }

    #[test]
    fn a_connection_that_ends_does_not_delay_the_next_one_by_what_it_had_reserved() {
        let bandwidth = limited(1);
        let now = Instant::now();
        let mut first = connections(3, &bandwidth, &limited(0));
        assert!(first[0].admit(CHUNK, now));
        for connection in &mut first {
            assert!(!connection.admit(CHUNK, now));
        }
        let turn = first[0].turn(now).expect("a turn");
        drop(first);
        let mut next = connections(1, &bandwidth, &limited(0));
        assert!(!next[0].admit(CHUNK, now));
        assert_eq!(next[0].turn(now), Some(turn), "after the bytes that came");
    }

    #[test]
    fn idle_time_is_not_made_up_for() {
        let bandwidth = limited(1_000_000);
        let mut one = connections(1, &bandwidth, &limited(0));
        let start = Instant::now();
        run(&mut one, start, Duration::from_secs(1));
        let later = start + Duration::from_secs(3600);
        let taken = run(&mut one, later, Duration::from_secs(1));
        assert!(taken[0] < 1_150_000, "{taken:?}");
    }

    proptest! {
        #[test]
        fn no_limit_is_ever_exceeded_by_more_than_the_burst_and_a_chunk_each(
            rate in 1u64..1 << 26, count in 1usize..8, ms in 1u64..1000,
        ) {
            let mut all = connections(count, &limited(rate), &limited(0));
            let time = Duration::from_millis(ms);
            let total: u64 = run(&mut all, Instant::now(), time).iter().sum();
            let allowed = (rate as f64 * (time + BURST).as_secs_f64()) as u64;
            prop_assert!(total <= allowed + (count * CHUNK) as u64, "{total} of {allowed}");
        }
    }
}

#[cfg(all(test, shuttle))]
mod schedules;
