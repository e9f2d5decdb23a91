//! A service that asks for less traffic: it refuses a request, or reports that it delayed a reply.

use std::time::{Duration, Instant};

use crate::oss::reply::ReplyHead;
use crate::transfer::policy::retry::Failure;
use crate::transfer::policy::stall_clock::StallClock;

use super::Driver;

impl Driver {
    /// Counts a refused request of `slot` before its delay is decided; returns how long the service has throttled while
    /// no byte arrived.
    pub(super) fn throttled(&mut self, slot: usize, failure: &Failure, now: Instant) -> Duration {
        self.slots[slot].throttled += 1;
        // The refused request is no longer in flight.
        let active = self.requests_in_flight().saturating_add(1);
        if failure.too_many_requests {
            self.connection_limit.too_many(active, now);
        } else {
            self.connection_limit.throttled(active, now);
        }
        self.throttle_clock.get_or_insert_with(|| StallClock::new(now)).advance(now)
    }

    /// Waits after a refused request: until `again` on its slot and, if the service named a time, on every slot. This
    /// time does not count as a stall.
    pub(super) fn wait_for_service(&mut self, failure: &Failure, now: Instant, again: Instant) {
        let wait = again.saturating_duration_since(now);
        self.shared.counters.throttled_ms.add(milliseconds(wait));
        if failure.retry_after.is_some() {
            self.throttled_until = self.throttled_until.max(Some(again));
        }
        self.stall_clock.suspend_until(now, again);
    }

    /// Evaluates what a reply says about traffic.
    pub(super) fn note_qos_delay(&mut self, head: &ReplyHead, now: Instant) {
        if let Some(delay) = head.qos_delay() {
            self.shared.counters.throttled_ms.add(milliseconds(delay));
            self.connection_limit.slowed(now);
        }
    }

    /// How many more requests may be in flight now.
    pub(super) fn free_connections(&self, now: Instant) -> usize {
        if self.throttled_until.is_some_and(|until| now < until) {
            return 0;
        }
        let free = self.connection_limit.allowed().saturating_sub(self.requests_in_flight());
        usize::try_from(free).unwrap_or(usize::MAX)
    }

    fn requests_in_flight(&self) -> u32 {
        let in_flight = self.slots.iter().filter(|slot| slot.in_flight.is_some()).count();
        u32::try_from(in_flight).unwrap_or(u32::MAX)
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
