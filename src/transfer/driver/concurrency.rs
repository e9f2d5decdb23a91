//! A download that finds its number of connections: what is measured for that, and what follows from the number.

use std::time::{Duration, Instant};

use crate::transfer::policy::auto_concurrency::{Meter, Sample};

use super::Driver;
use super::in_flight::Slot;

impl Driver<'_> {
    /// Measures the connections, lets the policy decide, and ends requests on connections that are not wanted any more.
    /// Their bytes are kept; others fetch the rest.
    pub(super) fn follow_concurrency(&mut self, now: Instant) {
        if self.auto_concurrency.is_none() || self.single_stream {
            return;
        }
        for slot in &mut self.slots {
            if let Some(first_byte) = slot.measure(now) {
                self.first_byte = self.first_byte.min(first_byte);
            }
        }
        let Some(mut auto) = self.auto_concurrency.take() else { return };
        let meters: Vec<Meter> = self.slots.iter().map(|slot| slot.meter).collect();
        let sample = Sample {
            meters: &meters,
            flowing: self.served_requests(),
            usable: self.connection_limit.allowed().min(self.share),
            first_byte: if self.first_byte == Duration::MAX {
                Duration::ZERO
            } else {
                self.first_byte
            },
            ends: self.nothing_left,
        };
        let before = auto.number();
        auto.observe(&sample, now);
        let number = auto.number();
        self.auto_concurrency = Some(auto);
        if number < before {
            self.end_excess(number);
        }
    }

    /// Ends requests beyond a number of connections that is now wanted.
    fn end_excess(&mut self, number: u32) {
        let excess = self.live_requests().saturating_sub(number);
        (0..excess).for_each(|_| self.abort_cheapest());
    }

    /// The service has refused a request because of traffic.
    pub(super) fn note_throttling(&mut self, now: Instant) {
        let accepted = self.served_requests();
        if let Some(auto) = &mut self.auto_concurrency {
            auto.throttled(accepted, now);
        }
    }

    /// The most bytes that the next request of a slot should ask for.
    pub(super) fn longest_request(&self, slot: usize) -> u64 {
        let (rate, least) = (self.slots[slot].rate, self.request.part_size);
        let auto = self.auto_concurrency.as_ref();
        auto.and_then(|auto| auto.longest_request(rate, least)).unwrap_or(u64::MAX)
    }

    /// When the connections should be measured again.
    pub(super) fn concurrency_due(&self, now: Instant) -> Option<Instant> {
        self.auto_concurrency.as_ref().and_then(|auto| auto.next_look(now))
    }
}

impl Slot {
    /// Adds what the connection has brought since the last call to its meter; returns the time to the first byte of a
    /// request that has just brought one.
    pub(super) fn measure(&mut self, now: Instant) -> Option<Duration> {
        let in_flight = self.in_flight.as_mut()?;
        in_flight.meter(&mut self.meter, now)
    }
}
