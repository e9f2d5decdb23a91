//! How many connections a download may have while the service asks for less traffic. Pure: the caller passes the time.

use std::time::{Duration, Instant};

/// Refusals within this time are caused by the same load: the limit is halved once for all of them.
const HALVE_EVERY: Duration = Duration::from_secs(1);
/// While bytes arrive, one connection is added at this interval.
const ADD_EVERY: Duration = Duration::from_secs(1);
/// No connection is added for this long after a reply that the service delayed.
const SLOWED_FOR: Duration = Duration::from_secs(5);

/// Halved when the service throttles, raised again one by one while bytes arrive.
#[derive(Clone, Debug)]
pub struct ConnectionLimit {
    max: u32,
    allowed: u32,
    halved_at: Option<Instant>,
    changed_at: Option<Instant>,
    slowed_at: Option<Instant>,
}

impl ConnectionLimit {
    /// Allows `max` connections, at least one, until the service throttles.
    pub fn new(max: u32) -> Self {
        let max = max.max(1);
        ConnectionLimit { max, allowed: max, halved_at: None, changed_at: None, slowed_at: None }
    }

    /// How many connections may be in use.
    pub fn allowed(&self) -> u32 {
        self.allowed
    }

    /// The service throttled one of `active` requests.
    pub fn throttled(&mut self, active: u32, now: Instant) {
        if self.halved_at.is_some_and(|at| now.duration_since(at) < HALVE_EVERY) {
            return;
        }
        self.lower_to(self.allowed.min(active.max(1)).div_ceil(2), now);
        self.halved_at = Some(now);
    }

    /// The service reported that `active` concurrent requests are too many.
    pub fn too_many(&mut self, active: u32, now: Instant) {
        self.throttled(active, now);
        self.lower_to(active.saturating_sub(1), now);
    }

    /// The service reported that it delays this traffic: more connections would not help.
    pub fn slowed(&mut self, now: Instant) {
        self.slowed_at = Some(now);
    }

    /// Bytes have arrived.
    pub fn progressed(&mut self, now: Instant) {
        let within = |at: Option<Instant>, time| at.is_some_and(|at| now.duration_since(at) < time);
        if self.allowed < self.max
            && !within(self.changed_at, ADD_EVERY)
            && !within(self.slowed_at, SLOWED_FOR)
        {
            self.allowed += 1;
            self.changed_at = Some(now);
        }
    }

    fn lower_to(&mut self, connections: u32, now: Instant) {
        self.allowed = self.allowed.min(connections.max(1));
        self.changed_at = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn simultaneous_refusals_halve_the_connections_once() {
        let now = Instant::now();
        let mut limit = ConnectionLimit::new(16);
        (0..16).for_each(|refusal| limit.throttled(16, now + ms(refusal)));
        assert_eq!(limit.allowed(), 8);
        limit.throttled(8, now + ms(1500));
        assert_eq!(limit.allowed(), 4);
    }

    #[test]
    fn too_many_concurrent_requests_reduce_the_connections_at_once() {
        let now = Instant::now();
        let mut limit = ConnectionLimit::new(8);
        limit.too_many(8, now);
        assert_eq!(limit.allowed(), 4);
        limit.too_many(3, now + ms(1));
        assert_eq!(limit.allowed(), 2, "the two others were accepted");
    }

    #[test]
    fn connections_are_added_one_by_one_while_bytes_arrive() {
        let now = Instant::now();
        let mut limit = ConnectionLimit::new(4);
        limit.throttled(4, now);
        assert_eq!(limit.allowed(), 2);
        let grown = [100, 1000, 1500, 2000, 9000].map(|at| {
            limit.progressed(now + ms(at));
            limit.allowed()
        });
        assert_eq!(grown, [2, 3, 3, 4, 4]);
    }

    #[test]
    fn no_connection_is_added_while_the_service_delays_replies() {
        let now = Instant::now();
        let mut limit = ConnectionLimit::new(4);
        limit.throttled(4, now);
        limit.slowed(now + ms(1000));
        limit.progressed(now + ms(5900));
        assert_eq!(limit.allowed(), 2);
        limit.progressed(now + ms(6000));
        assert_eq!(limit.allowed(), 3);
    }

    proptest! {
        #[test]
        fn the_limit_stays_between_one_and_the_maximum(
            max in 0u32..2000,
            steps in proptest::collection::vec((0u8..4, 0u32..2000, 0u64..3000), 0..60),
        ) {
            let mut now = Instant::now();
            let mut limit = ConnectionLimit::new(max);
            for (kind, active, passed) in steps {
                now += ms(passed);
                match kind {
                    0 => limit.throttled(active, now),
                    1 => limit.too_many(active, now),
                    2 => limit.slowed(now),
                    _ => limit.progressed(now),
                }
                prop_assert!((1..=max.max(1)).contains(&limit.allowed()));
            }
        }
    }
}
