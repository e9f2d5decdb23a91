//! The connections that a download may use: its part of the client's.

use std::time::{Duration, Instant};

use crate::model::trace::RequestEnd;
use crate::transfer::policy::auto_concurrency::AutoConcurrency;
use crate::transfer::policy::plan;

use super::Driver;
use super::in_flight::InFlight;

/// For so long a download may exceed its share if nobody waits urgently. Most requests end by themselves meanwhile, and
/// shares that change often cost no connections.
const GRACE: Duration = Duration::from_secs(1);

impl Driver<'_> {
    /// Tells the client how many connections the download can use, and ends requests for which there is none any more.
    pub(super) fn follow_share(&mut self, now: Instant) {
        let (wanted, in_flight) = (self.wanted_connections(now), self.requests_in_flight());
        let allowance = self.world.network.connections(wanted, in_flight);
        self.share = allowance.connections;
        self.waits_for_connection = wanted > 0 && self.share == 0 && in_flight == 0;
        let excess = self.live_requests().saturating_sub(self.share);
        // A single stream would have to start over.
        if excess == 0 || self.single_stream {
            self.over_share_since = None;
            return;
        }
        let since = *self.over_share_since.get_or_insert(now);
        if allowance.is_urgent || now.duration_since(since) >= GRACE {
            (0..excess).for_each(|_| self.abort_cheapest());
            self.over_share_since = None;
        }
    }

    /// Gives the connections to others: there is nothing to fetch, as far as is known.
    pub(super) fn leave_share(&mut self) {
        self.world.network.connections(0, self.requests_in_flight());
        self.waits_for_connection = false;
    }

    /// When the requests that exceed the share have to end.
    pub(super) fn share_due(&self) -> Option<Instant> {
        self.over_share_since.map(|since| since + GRACE)
    }

    /// How many connections may be used, as far as client and service allow, and as they are of use.
    pub(super) fn allowed_connections(&self) -> u32 {
        self.most_connections().min(self.share)
    }

    /// How many connections there may be if the client had any number of them.
    fn most_connections(&self) -> u32 {
        let wanted = self.auto_concurrency.as_ref().map_or(u32::MAX, AutoConcurrency::number);
        self.connection_limit.allowed().min(wanted)
    }

    /// How many connections the download could use now.
    fn wanted_connections(&self, now: Instant) -> u32 {
        let live = self.live_requests();
        if self.is_paused() {
            return live;
        }
        if self.transfer.is_none() {
            return 1;
        }
        if self.single_stream {
            return live;
        }
        let waits = self.throttle_back_off.until(now).is_some();
        let kept = self.throttle_back_off.kept(now).filter(|_| waits);
        let most = self.most_connections().min(kept.unwrap_or(u32::MAX));
        if live >= most {
            return live;
        }
        if self.span_of_a_hole(0).is_some() {
            return most;
        }
        let spans: Vec<_> = self.in_flight().filter_map(InFlight::active_span).collect();
        live + u32::from(plan::share(&spans, 0.0, self.round_trip).is_some())
    }

    /// Ends the request that loses the fewest bytes that are on their way: one that has brought none, or else the
    /// slowest.
    pub(super) fn abort_cheapest(&mut self) {
        let live = self.slots.iter().enumerate().filter_map(|(slot, state)| {
            let in_flight = state.in_flight.as_ref().filter(|in_flight| in_flight.is_live())?;
            Some((slot, in_flight.brings_bytes(), in_flight.rate().unwrap_or(0.0)))
        });
        let cheapest = live.min_by(|a, b| a.1.cmp(&b.1).then(a.2.total_cmp(&b.2)));
        if let Some((slot, ..)) = cheapest {
            self.abort(slot, RequestEnd::Yielded);
        }
    }
}
