//! The main loop: gives every free connection bytes to fetch until nothing is missing.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::model::error::{Error, ErrorKind, Result};
use crate::model::extent::Extent;
use crate::model::options::LogLevel;
use crate::model::pinning::Pinning;
use crate::model::request::Order;
use crate::model::trace::RequestEnd;
use crate::oss::get_object::{Conditions, compose};
use crate::transfer::connection::reply_stage::ReplyStage;
use crate::transfer::connection::span::Span;
use crate::transfer::event::{EndReason, Event, FetchEnd};
use crate::transfer::policy::plan::{self, ActiveSpan};
use crate::transfer::policy::sequential::Sequence;
use crate::transfer::world::NewRequest;

use super::Driver;
use super::failure::AfterFailure;
use super::in_flight::InFlight;
use super::start_request::StartOutcome;
use super::transfer::Transfer;

/// Interval of rate measurements while connections are busy.
const MEASURE: Duration = Duration::from_millis(200);
/// A connection this much slower than the median of the others is replaced by a new one …
const SLOW_FACTOR: f64 = 5.0;
/// … at most this often in one slot, and not before this much time for its measurement.
const REPLACE_EVERY: Duration = Duration::from_secs(10);
const TRY_FOR: Duration = Duration::from_secs(2);

/// How the transfer of a download ended.
pub enum TransferEnd {
    /// Every byte is in the file, and those of an earlier run are verified.
    Complete,
    /// The object has changed.
    Changed(String),
    /// The single stream broke, with this error.
    Broken(Error),
    /// A single stream has to be started: the last one was stopped by a pause, which is over, or the first requests did
    /// not show that only a stream brings the object.
    StreamDue,
}

/// The contents of one batch of events.
#[derive(Default)]
struct Batch {
    stored: Vec<Extent>,
    ended: Vec<FetchEnd>,
    proof_ended: Option<Result<()>>,
    fault: Option<Error>,
}

impl Driver<'_> {
    /// Fetches the missing bytes.
    pub fn fetch_missing(&mut self) -> Result<TransferEnd> {
        loop {
            self.check_limits()?;
            let paused = self.follow_pause();
            let now = self.now();
            self.note_delayed_replies(now);
            self.follow_concurrency(now);
            self.follow_share(now);
            if self.single_stream {
                if let Some(broken) = self.stream_ended().filter(|_| !paused) {
                    return Ok(broken);
                }
            } else if !paused {
                self.replace_slow_connection(now);
                self.assign(now)?;
            }
            if self.is_whole() {
                if !self.is_any_in_flight() {
                    return Ok(TransferEnd::Complete);
                }
                self.abort_all(RequestEnd::Stopped);
            }
            let batch = self.gather(self.next_wake(now))?;
            if let Some(changed) = self.digest(batch)? {
                return Ok(TransferEnd::Changed(changed));
            }
        }
    }

    /// Waits for an event and takes all that are queued.
    fn gather(&mut self, until: Option<Instant>) -> Result<Batch> {
        let mut batch = Batch::default();
        let mut event = self.next_event(until)?;
        while let Some(received) = event {
            match received {
                Event::Stored(extent) => batch.stored.push(extent),
                Event::Ended(end) => batch.ended.push(*end),
                Event::Fault(error) => batch.fault = Some(error),
                Event::Proved(extent) => self.proved(extent),
                Event::Damaged(extent) => self.damaged(extent),
                Event::ProofEnded(result) => batch.proof_ended = Some(result),
                // A provider may have answered; the next start of a request asks it again.
                Event::Wake => self.awaits_credentials = false,
                Event::FirstReply { .. } | Event::Hashed(_) => {}
            }
            event = self.world.inbox.try_recv();
        }
        Ok(batch)
    }

    /// Handles a batch. Stored bytes come before the ends, which were sent after them.
    fn digest(&mut self, batch: Batch) -> Result<Option<String>> {
        self.note_in_flight();
        // Before anything can fail: an end that was received is not waited for again.
        let ended: Vec<_> = batch
            .ended
            .into_iter()
            .filter_map(|end| Some((self.release_slot(&end)?, end)))
            .collect();
        self.count_active();
        self.note_stored(&batch.stored)?;
        if let Some(error) = batch.fault {
            return Err(error);
        }
        if let Some(result) = batch.proof_ended {
            result?;
            self.proof_ended();
        }
        let mut changed = None;
        for ((slot, in_flight), end) in ended {
            if let Some(why) = self.request_ended(slot, &in_flight, end)? {
                changed = Some(why);
            }
        }
        Ok(changed)
    }

    fn proved(&mut self, extent: Extent) {
        if let Some(transfer) = &mut self.transfer
            && transfer.stored.proved(extent)
        {
            self.shared.counters.bytes_reused.add(extent.len);
        }
        self.publish_contiguous();
    }

    fn damaged(&mut self, extent: Extent) {
        self.log(LogLevel::Warn, || {
            format!("bytes {}-{} are damaged on the disk", extent.offset, extent.end())
        });
        if let Some(transfer) = &mut self.transfer {
            transfer.stored.damaged(extent);
            self.shared.counters.bytes_done.subtract(extent.len);
            self.shared.counters.bytes_discarded.add(extent.len);
        }
    }

    fn proof_ended(&mut self) {
        self.proof = None;
        if let Some(transfer) = &mut self.transfer {
            transfer.proving = false;
        }
    }

    /// Removes a fetch that has ended from its slot, and traces it.
    pub(super) fn release_slot(&mut self, end: &FetchEnd) -> Option<(usize, InFlight)> {
        let now = self.now();
        let index = self.slots.iter().position(|slot| slot.carries(end.fetch))?;
        self.slots[index].measure(now);
        let in_flight = self.slots[index].in_flight.take()?;
        self.trace(index, &in_flight, Some(end));
        Some((index, in_flight))
    }

    /// Handles the end of a fetch; returns the reason if the object has changed.
    fn request_ended(
        &mut self,
        slot: usize,
        in_flight: &InFlight,
        end: FetchEnd,
    ) -> Result<Option<String>> {
        self.note_qos_delay(&end.head, self.now());
        self.note_confirmation(in_flight);
        if let Some(first_byte) = end.first_byte {
            let seconds = first_byte.as_secs_f64();
            let known = self.round_trip;
            self.round_trip = if known == 0.0 { seconds } else { known.min(seconds) };
        }
        if in_flight.brings_bytes() {
            self.note_link_works(Some(in_flight.serial));
        }
        if in_flight.brings_bytes() || matches!(end.ending, EndReason::Complete) {
            self.throttle_back_off.accepted(in_flight.started);
        }
        if matches!(end.ending, EndReason::Complete) {
            self.note_size(in_flight);
        }
        if matches!(end.ending, EndReason::Complete | EndReason::Cut | EndReason::Aborted) {
            let now = self.now();
            let slot = &mut self.slots[slot];
            if let Some(rate) = in_flight.rate() {
                slot.rate = rate;
            } else if slot.rate == 0.0 {
                slot.rate = in_flight.average(now);
            }
            slot.forget_failures();
            return Ok(None);
        }
        match self.handle_failure(slot, in_flight, end)? {
            AfterFailure::Retry => Ok(None),
            AfterFailure::ObjectChanged(why) => Ok(Some(why)),
        }
    }

    /// The whole body of a stream has been received: the object's size is known from now on.
    fn note_size(&mut self, in_flight: &InFlight) {
        if let Some(transfer) = self.transfer.as_mut().filter(|transfer| transfer.len().is_none()) {
            transfer.end_at(in_flight.span.held().end);
            self.shared.set_total(transfer.len());
        }
    }

    /// Gives every free slot a span, as long as there are any.
    fn assign(&mut self, now: Instant) -> Result<()> {
        // Taken once: bytes that arrive while requests are sent must not make the later spans shorter.
        let mut busy: u64 = self.in_flight().map(InFlight::remaining).sum();
        let mut free = self.free_connections(now).min(self.free_until_confirmed());
        self.nothing_left = false;
        for index in 0..self.slots.len() {
            if free == 0 {
                return Ok(());
            }
            if !self.slots[index].is_ready(now) {
                continue;
            }
            free -= 1;
            let Some(span) = self.next_span(index, busy) else {
                self.nothing_left = true;
                return Ok(());
            };
            busy += span.end - span.start;
            let span = Arc::new(Span::new(span));
            match self.start_request(index, |driver| driver.new_span_request(span))? {
                StartOutcome::Sent => {}
                // Nothing would wake the loop for a retry without a delay.
                StartOutcome::Delayed if self.slots[index].is_ready(now) => {
                    return self.assign(now);
                }
                StartOutcome::AwaitsCredentials | StartOutcome::Delayed => return Ok(()),
            }
        }
        Ok(())
    }

    fn next_span(&self, index: usize, busy: u64) -> Option<Range<u64>> {
        if let Some(span) = self.span_of_a_hole(busy) {
            let end = span.start.saturating_add(self.longest_request(index));
            return Some(span.start..span.end.min(end));
        }
        let mut sharing: Vec<(&Span, ActiveSpan)> = self
            .in_flight()
            .filter(|in_flight| in_flight.is_live())
            .filter_map(|in_flight| Some((&*in_flight.span, in_flight.active_span()?)))
            .collect();
        let sequential = self.request.order == Order::Sequential;
        if sequential {
            sharing.sort_by_key(|(span, _)| span.start());
        }
        let busy: Vec<ActiveSpan> = sharing.iter().map(|(_, busy)| *busy).collect();
        let share =
            |busy: &[ActiveSpan]| plan::share(busy, self.slots[index].rate, self.round_trip);
        // A reader waits for the bytes of the first span.
        let first = &busy[..busy.len().min(usize::from(sequential))];
        let (donor, given) = share(first).or_else(|| share(&busy))?;
        let span = sharing.get(donor)?.0.cut(given);
        (!span.is_empty()).then_some(span)
    }

    /// A run of bytes that are missing and in no span, for a free connection.
    pub(super) fn span_of_a_hole(&self, busy: u64) -> Option<Range<u64>> {
        let transfer = self.transfer.as_ref()?;
        let held = self.in_flight().map(|request| request.span.held()).collect();
        let holes = transfer.stored.holes(held);
        let connections = u64::from(self.allowed_connections());
        let whole = transfer.stored.range().end - transfer.stored.range().start;
        match self.request.order {
            Order::Default => plan::next_span(&holes, busy, connections, whole),
            Order::Sequential => {
                let part_size = self.request.part_size;
                let first_missing = transfer.stored.first_missing();
                Sequence { part_size, connections }.next_piece(&holes, first_missing, busy, whole)
            }
        }
    }

    fn new_span_request(&self, span: Arc<Span>) -> NewRequest {
        let asked = span.remaining();
        let transfer = self.transfer.as_ref();
        let generation = transfer.map(|transfer| transfer.generation.clone()).unwrap_or_default();
        let pinning = transfer.map(|transfer| transfer.pinning).unwrap_or_default();
        let conditions = match &generation.etag {
            Some(etag) if pinning == Pinning::IfMatch => Conditions::Pinned { etag },
            _ => Conditions::None,
        };
        let range = Some((asked.start, Some(asked.end.saturating_sub(1))));
        NewRequest {
            head: false,
            address: None,
            composed: compose(self.request, range, conditions),
            stage: ReplyStage::Expected { generation: generation.clone(), pinning, asked },
            span,
            destination: transfer.map(Transfer::destination),
        }
    }

    /// Replaces the connection that is far behind the others, if there is one: a new one may use a better route.
    fn replace_slow_connection(&mut self, now: Instant) {
        let held_back = self.shared.bandwidth.holds_back();
        for in_flight in self.slots.iter_mut().filter_map(|slot| slot.in_flight.as_mut()) {
            if held_back {
                // The rate of a connection while others wait for a bandwidth limit says nothing about its route.
                in_flight.measure_anew(now);
            } else {
                in_flight.sample(now);
            }
        }
        // An idle connection's last rate counts too: the last busy one may be the one that is far behind.
        let mut rates: Vec<f64> = self
            .slots
            .iter()
            .filter_map(|slot| match &slot.in_flight {
                Some(in_flight) => in_flight.rate(),
                None => Some(slot.rate).filter(|rate| *rate > 0.0),
            })
            .collect();
        rates.sort_by(f64::total_cmp);
        let Some(median) = rates.get(rates.len() / 2).copied().filter(|_| rates.len() > 1) else {
            return;
        };
        for index in 0..self.slots.len() {
            let slot = &self.slots[index];
            let rested = slot.replaced_at.is_none_or(|at| now.duration_since(at) >= REPLACE_EVERY);
            let Some(in_flight) =
                slot.in_flight.as_ref().filter(|in_flight| rested && in_flight.is_live())
            else {
                continue;
            };
            let tried = now.duration_since(in_flight.started) >= TRY_FOR;
            let Some(rate) = in_flight.rate().filter(|rate| rate * SLOW_FACTOR < median) else {
                continue;
            };
            let remaining = in_flight.remaining() as f64;
            let anew = 2.0 * self.round_trip.max(0.1) + remaining / median;
            let worth = remaining / rate.max(1.0) > 2.0 * anew;
            if tried && worth && !in_flight.rises() {
                self.slots[index].replaced_at = Some(now);
                self.abort(index, RequestEnd::Slow);
                return;
            }
        }
    }

    /// Whether nothing is missing. A fetch may still be in flight: a stalled one whose bytes others have fetched.
    fn is_whole(&self) -> bool {
        self.transfer
            .as_ref()
            .is_some_and(|transfer| !transfer.proving && transfer.stored.is_complete())
    }

    /// The single stream has ended and bytes are missing: it cannot be continued.
    fn stream_ended(&self) -> Option<TransferEnd> {
        let transfer = self.transfer.as_ref()?;
        if self.is_any_in_flight() || transfer.stored.is_complete() {
            return None;
        }
        if self.stopped_by_pause || self.stream_is_due {
            return Some(TransferEnd::StreamDue);
        }
        Some(TransferEnd::Broken(Error::new(
            ErrorKind::Transport,
            "ConnectionBroken",
            format!("the connection broke while {} was being downloaded", self.object()),
        )))
    }

    fn next_wake(&self, now: Instant) -> Option<Instant> {
        let delayed = self.slots.iter().filter_map(|slot| slot.not_before);
        let waiting = delayed.chain(self.throttle_back_off.until(now)).chain(self.share_due());
        let waiting = waiting.filter(|at| *at > now);
        let measuring = self.slots.len() > 1 && self.is_any_in_flight();
        let measuring = measuring.then_some(now + MEASURE);
        waiting.chain(measuring).chain(self.concurrency_due(now)).min()
    }
}
