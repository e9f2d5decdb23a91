//! A connection slot of one download, and its request in flight.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::model::pinning::Pinning;
use crate::model::trace::RequestEnd;
use crate::transfer::connection::span::Span;
use crate::transfer::policy::plan::ActiveSpan;

/// Rates are measured over intervals of about this length.
const RATE_WINDOW: Duration = Duration::from_millis(400);

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
        }
    }

    /// Bytes that it has not received yet.
    pub fn remaining(&self) -> u64 {
        let rest = self.span.remaining();
        rest.end - rest.start
    }

    /// Whether its reply was accepted and delivers bytes.
    pub fn brings_bytes(&self) -> bool {
        self.span.remaining().start > self.span.start()
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
