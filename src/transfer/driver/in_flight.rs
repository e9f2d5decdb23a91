//! A connection slot of one download, and its request in flight.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::model::pinning::Pinning;
use crate::model::trace::RequestEnd;
use crate::transfer::connection::span::Span;
use crate::transfer::policy::auto_concurrency::Meter;
use crate::transfer::policy::plan::ActiveSpan;

use super::Driver;

/// Rates are measured over intervals of about this length.
const RATE_WINDOW: Duration = Duration::from_millis(400);
/// A connection becomes faster if it exceeds the mean of earlier measurements by this factor.
const RISING: f64 = 1.2;

/// One of a download's `thread_num` connections.
pub struct Slot {
    pub in_flight: Option<InFlight>,
    /// Failures since the last byte.
    pub failures: u32,
    /// Replies since the last byte that asked for less traffic.
    pub throttled: u32,
    /// No request is started before this.
    pub not_before: Option<Instant>,
    /// The last rate of the connection in bytes per second; 0 while unknown.
    pub rate: f64,
    /// When the connection was last replaced because it was slow.
    pub replaced_at: Option<Instant>,
    /// What it has brought so far.
    pub meter: Meter,
}

/// A request in flight.
pub struct InFlight {
    pub fetch: u64,
    pub span: Arc<Span>,
    /// The serial of the credentials that signed it.
    pub serial: u64,
    /// How its reply is pinned to the generation; `None` for a first request, whose reply fixes the generation.
    pub pinning: Option<Pinning>,
    pub started: Instant,
    /// HEAD instead of GET.
    pub is_head: bool,
    /// The bytes that it asked for.
    pub asked: Range<u64>,
    /// Why it was told to stop; it has not ended yet.
    pub stopped: Option<RequestEnd>,
    sampled: (Instant, u64),
    rate: Option<f64>,
    /// It was faster when it was last measured than before, as a connection is that starts slowly.
    rises: bool,
    /// Its position when it was last metered, which begins with its first byte.
    metered: Option<(Instant, u64)>,
}

impl Driver<'_> {
    /// The requests in flight.
    pub(super) fn in_flight(&self) -> impl Iterator<Item = &InFlight> {
        self.slots.iter().filter_map(|slot| slot.in_flight.as_ref())
    }

    pub(super) fn is_any_in_flight(&self) -> bool {
        self.in_flight().next().is_some()
    }

    /// Number of requests in flight.
    pub(super) fn requests_in_flight(&self) -> u32 {
        count(self.in_flight())
    }

    /// Number of requests that have not been told to stop.
    pub(super) fn live_requests(&self) -> u32 {
        count(self.in_flight().filter(|in_flight| in_flight.is_live()))
    }

    /// Number of those that bring bytes.
    pub(super) fn served_requests(&self) -> u32 {
        count(self.in_flight().filter(|in_flight| in_flight.is_live() && in_flight.brings_bytes()))
    }
}

fn count<'a>(requests: impl Iterator<Item = &'a InFlight>) -> u32 {
    u32::try_from(requests.count()).unwrap_or(u32::MAX)
}

impl Slot {
    pub fn new() -> Self {
        Slot {
            in_flight: None,
            failures: 0,
            throttled: 0,
            not_before: None,
            rate: 0.0,
            replaced_at: None,
            meter: Meter::default(),
        }
    }

    /// Bytes have arrived on the connection: earlier failures no longer count.
    pub fn forget_failures(&mut self) {
        (self.failures, self.throttled) = (0, 0);
    }

    /// Whether a fetch may start now.
    pub fn is_ready(&self, now: Instant) -> bool {
        self.in_flight.is_none() && self.not_before.is_none_or(|at| at <= now)
    }

    pub fn carries(&self, fetch: u64) -> bool {
        self.in_flight.as_ref().is_some_and(|in_flight| in_flight.fetch == fetch)
    }
}

impl InFlight {
    /// Sent at `started` for the bytes `asked`. Some of them may have been received.
    pub fn new(
        fetch: u64,
        (span, asked): (Arc<Span>, Range<u64>),
        serial: u64,
        pinning: Option<Pinning>,
        started: Instant,
    ) -> Self {
        InFlight {
            fetch,
            sampled: (started, span.start()),
            asked,
            span,
            serial,
            pinning,
            started,
            is_head: false,
            stopped: None,
            rate: None,
            rises: false,
            metered: None,
        }
    }

    /// Bytes that it has not received yet.
    pub fn remaining(&self) -> u64 {
        let rest = self.span.remaining();
        rest.end - rest.start
    }

    /// Whether it has not been told to stop.
    pub fn is_live(&self) -> bool {
        self.stopped.is_none()
    }

    /// Whether its reply was accepted and delivers bytes.
    pub fn brings_bytes(&self) -> bool {
        self.span.remaining().start > self.span.start()
    }

    /// Adds what came since the last call. Returns the time to the first byte if that has come meanwhile.
    pub fn meter(&mut self, meter: &mut Meter, now: Instant) -> Option<Duration> {
        let here = self.span.remaining().start;
        match self.metered {
            None if here == self.span.start() => return None,
            None => {}
            Some((at, position)) => {
                meter.bytes += here - position;
                meter.flowing += now.duration_since(at);
            }
        }
        let is_first = self.metered.replace((now, here)).is_none();
        is_first.then(|| now.duration_since(self.started))
    }

    /// Measures the rate, if the last measurement is old enough.
    pub fn sample(&mut self, now: Instant) {
        let (at, position) = self.sampled;
        let elapsed = now.duration_since(at);
        if elapsed < RATE_WINDOW {
            return;
        }
        let here = self.span.remaining().start;
        let rate = (here - position) as f64 / elapsed.as_secs_f64();
        self.rises = self.rate.is_none_or(|before| rate > before * RISING);
        self.rate = Some(self.rate.map_or(rate, |before| (before + rate) / 2.0));
        self.sampled = (now, here);
    }

    /// Discards the measurements so far.
    pub fn measure_anew(&mut self, now: Instant) {
        self.sampled = (now, self.span.remaining().start);
        self.rate = None;
    }

    /// Bytes per second; `None` before the first measurement, when every connection seems slow.
    pub fn rate(&self) -> Option<f64> {
        self.rate
    }

    /// Whether it becomes faster.
    pub fn rises(&self) -> bool {
        self.rises
    }

    /// Bytes per second since its start, for a fetch too short to be measured.
    pub fn average(&self, now: Instant) -> f64 {
        let received = self.span.remaining().start - self.span.start();
        received as f64 / now.duration_since(self.started).as_secs_f64().max(0.001)
    }

    /// What it could share with an idle connection, once its rate is known.
    pub fn active_span(&self) -> Option<ActiveSpan> {
        Some(ActiveSpan { remaining: self.remaining(), rate: self.rate? })
    }
}
