//! A service that asks for less traffic: it refuses a request, or reports that it delayed a reply.

use std::time::{Duration, Instant};

use crate::oss::reply::ReplyHead;
use crate::oss::service_error;
use crate::transfer::event::{EndReason, FetchEnd};
use crate::transfer::policy::retry::{Failure, MAX_RETRY_AFTER};
use crate::transfer::policy::stall_clock::StallClock;

use super::Driver;
use super::in_flight::InFlight;

impl Driver<'_> {
    /// Counts a refused request of `slot` before its delay is decided; returns how long the service has throttled while
    /// no byte arrived.
    pub(super) fn throttled(&mut self, slot: usize, failure: &Failure, now: Instant) -> Duration {
        self.slots[slot].throttled += 1;
        self.note_throttling(now);
        let active = self.in_flight_at_end.max(1);
        self.in_flight_at_end = active - 1;
        if failure.too_many_requests {
            self.connection_limit.too_many(active, now);
        } else if self.throttle_back_off.rounds() > 1 {
            // A single request was tried, whatever the limit.
            self.connection_limit.throttled(self.connection_limit.allowed(), now);
        } else {
            self.connection_limit.throttled(active, now);
        }
        self.throttle_clock.get_or_insert_with(|| StallClock::new(now)).advance(now)
    }

    /// Waits until `again`, which the service has `asked` for, after a refused request, on every slot: an idle one must
    /// not take the place of the refused one. This time does not count as a stall.
    pub(super) fn wait_for_service(&mut self, now: Instant, again: Instant, asked: bool) {
        let wait = again.saturating_duration_since(now);
        self.shared.counters.throttled_ms.saturating_add(milliseconds(wait));
        self.throttle_back_off.wait_until(again, asked, now);
        self.stall_clock.suspend_until(now, again);
    }

    /// Remembers how many requests are in flight, before those that have ended are released.
    pub(super) fn note_in_flight(&mut self) {
        self.in_flight_at_end = self.requests_in_flight();
    }

    /// Evaluates what a reply says about traffic.
    pub(super) fn note_qos_delay(&mut self, head: &ReplyHead, now: Instant) {
        if let Some(delay) = head.qos_delay() {
            self.shared.counters.throttled_ms.saturating_add(milliseconds(delay));
            self.connection_limit.slowed(now);
        }
    }

    /// Notes replies that the service has delayed, whose bodies may still be coming.
    pub(super) fn note_delayed_replies(&mut self, now: Instant) {
        let delayed = self.shared.counters.delayed_replies.get();
        if delayed == std::mem::replace(&mut self.delayed_replies, delayed) {
            return;
        }
        self.connection_limit.slowed(now);
        if let Some(auto) = &mut self.auto_concurrency {
            auto.slowed(now);
        }
    }

    /// Lets later requests heed a refusal, although nothing is retried because of it.
    pub(super) fn heed_refusal(&mut self, end: &FetchEnd, in_flight: &InFlight, now: Instant) {
        let refusal = service_error::parse(&end.head, &end.body);
        if !matches!(end.ending, EndReason::Refused) || !refusal.is_throttling() {
            return;
        }
        self.note_throttling(now);
        let active = self.requests_in_flight() + 1;
        if refusal.has_too_many_active_requests() {
            self.connection_limit.too_many(active, now);
        } else {
            self.connection_limit.throttled(active, now);
        }
        let beside = self.served_requests();
        self.throttle_back_off.refused(in_flight.started, beside, now);
        let asked = end.head.retry_after(self.world.network.service_time());
        let again = now + asked.unwrap_or_default().min(MAX_RETRY_AFTER);
        self.wait_for_service(now, again, asked.is_some());
    }

    /// How many more requests may be in flight now.
    pub(super) fn free_connections(&mut self, now: Instant) -> usize {
        self.note_accepted();
        let unanswered = self.in_flight().filter(|request| !request.brings_bytes());
        let (sent, in_flight) = (unanswered.map(|r| r.started), self.requests_in_flight());
        let may_start = self.throttle_back_off.may_start(in_flight, sent, now);
        let free = self.allowed_connections().saturating_sub(in_flight);
        usize::try_from(free.min(may_start)).unwrap_or(usize::MAX)
    }

    /// Notes the requests in flight that the service has accepted.
    pub(super) fn note_accepted(&mut self) {
        let in_flight = self.slots.iter().filter_map(|slot| slot.in_flight.as_ref());
        for request in in_flight.filter(|request| request.brings_bytes()) {
            self.throttle_back_off.accepted(request.started);
        }
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
