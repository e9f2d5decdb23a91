//! The main loop: gives every free connection bytes to fetch until nothing is missing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::model::error::{Error, ErrorKind, Result};
use crate::model::extent::Extent;
use crate::model::options::LogLevel;
use crate::oss::get_object::{Conditions, compose};
use crate::transfer::event::{Ending, Event, FetchEnd};
use crate::transfer::fetch::Gate;
use crate::transfer::plan::{self, Busy};
use crate::transfer::span::Span;

use super::Driver;
use super::flight::Flight;
use super::launch::{Launch, Launched};
use super::setback::Setback;

/// How often rates are measured while connections are busy.
const MEASURE: Duration = Duration::from_millis(200);
/// A connection this much slower than the median of the others is given up for a new one …
const LAGGARD: f64 = 5.0;
/// … at most this often in one slot, and not before it had this long to show what it can.
const REPLACE_EVERY: Duration = Duration::from_secs(10);
const TRY_FOR: Duration = Duration::from_secs(2);

/// How the transfer of an opened download ended.
pub enum Landing {
    /// Every byte is in the file, and those of an earlier run are proven.
    Whole,
    /// The object is another one.
    Changed(String),
    /// The single stream broke, with this error.
    Broken(Error),
}

/// What one batch of news amounts to.
#[derive(Default)]
struct Batch {
    stored: Vec<Extent>,
    ended: Vec<FetchEnd>,
    proof_ended: Option<Result<()>>,
    fault: Option<Error>,
}

impl Driver {
    /// Fetches what is missing.
    pub fn transfer(&mut self) -> Result<Landing> {
        loop {
            self.check_limits()?;
            let now = Instant::now();
            if self.single_stream {
                if let Some(broken) = self.stream_ended() {
                    return Ok(broken);
                }
            } else {
                self.replace_laggard(now);
                self.assign(now)?;
            }
            if self.is_whole() {
                if self.slots.iter().all(|slot| slot.flight.is_none()) {
                    return Ok(Landing::Whole);
                }
                self.abort_all();
            }
            let batch = self.gather(self.next_wake(now))?;
            if let Some(changed) = self.digest(batch)? {
                return Ok(Landing::Changed(changed));
            }
        }
    }

    /// Waits for news and takes all there is.
    fn gather(&mut self, until: Option<Instant>) -> Result<Batch> {
        let mut batch = Batch::default();
        let mut event = self.next_event(until)?;
        while let Some(news) = event {
            match news {
                Event::Stored(extent) => batch.stored.push(extent),
                Event::Ended(end) => batch.ended.push(*end),
                Event::Fault(error) => batch.fault = Some(error),
                Event::Proved(extent) => self.proved(extent),
                Event::Damaged(extent) => self.damaged(extent),
                Event::ProofEnded(result) => batch.proof_ended = Some(result),
                Event::Opened { .. } | Event::Wake => {}
            }
            event = self.inbox.try_recv().ok();
        }
        Ok(batch)
    }

    /// Notes a batch. Stored bytes come before the ends, which were sent after them.
    fn digest(&mut self, batch: Batch) -> Result<Option<String>> {
        // Before anything can fail: an end that was received is not waited for again.
        let landed: Vec<_> =
            batch.ended.into_iter().filter_map(|end| Some((self.take_off(&end)?, end))).collect();
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
        for ((slot, flight), end) in landed {
            if let Some(why) = self.landed(slot, &flight, end)? {
                changed = Some(why);
            }
        }
        Ok(changed)
    }

    fn proved(&mut self, extent: Extent) {
        if let Some(opened) = &mut self.opened
            && opened.ledger.proved(extent)
        {
            self.shared.counters.bytes_reused.add(extent.len);
        }
    }

    fn damaged(&mut self, extent: Extent) {
        self.log(LogLevel::Warn, || {
            format!("bytes {}-{} are damaged on the disk", extent.offset, extent.end())
        });
        if let Some(opened) = &mut self.opened {
            opened.ledger.damaged(extent);
            self.shared.counters.bytes_done.subtract(extent.len);
            self.shared.counters.bytes_discarded.add(extent.len);
        }
    }

    fn proof_ended(&mut self) {
        self.prover = None;
        if let Some(opened) = &mut self.opened {
            opened.proving = false;
        }
    }

    /// Takes a fetch that has ended off its slot.
    fn take_off(&mut self, end: &FetchEnd) -> Option<(usize, Flight)> {
        let index = self.slots.iter().position(|slot| slot.carries(end.fetch))?;
        Some((index, self.slots[index].flight.take()?))
    }

    /// Weighs how a fetch ended; the reason when the object turned out to be another one.
    fn landed(&mut self, slot: usize, flight: &Flight, end: FetchEnd) -> Result<Option<String>> {
        if let Some(first_byte) = end.first_byte {
            let seconds = first_byte.as_secs_f64();
            let known = self.round_trip;
            self.round_trip = if known == 0.0 { seconds } else { known.min(seconds) };
        }
        if matches!(end.ending, Ending::Complete | Ending::Cut | Ending::Aborted) {
            let slot = &mut self.slots[slot];
            if let Some(rate) = flight.rate() {
                slot.rate = rate;
            } else if slot.rate == 0.0 {
                slot.rate = flight.average(Instant::now());
            }
            slot.failures = 0;
            return Ok(None);
        }
        match self.weigh(slot, flight, end)? {
            Setback::Again => Ok(None),
            Setback::Changed(why) => Ok(Some(why)),
        }
    }

    /// Gives every free slot something to fetch, as long as there is something.
    fn assign(&mut self, now: Instant) -> Result<()> {
        // Of this moment: what comes while requests are sent must not make the later ones shorter.
        let flights = self.slots.iter().filter_map(|slot| slot.flight.as_ref());
        let mut busy: u64 = flights.map(Flight::remaining).sum();
        for index in 0..self.slots.len() {
            if !self.slots[index].is_ready(now) {
                continue;
            }
            let Some(span) = self.next_span(index, busy) else { return Ok(()) };
            busy += span.end - span.start;
            let span = Arc::new(Span::new(span));
            match self.launch(index, |driver| driver.span_launch(span))? {
                Launched::Sent => {}
                Launched::AwaitsCredentials | Launched::SetBack => return Ok(()),
            }
        }
        Ok(())
    }

    fn next_span(&self, index: usize, busy: u64) -> Option<std::ops::Range<u64>> {
        let opened = self.opened.as_ref()?;
        let flights = || self.slots.iter().filter_map(|slot| slot.flight.as_ref());
        let flying: Vec<_> = flights().map(|flight| flight.span.held()).collect();
        let holes = opened.ledger.holes(flying);
        let connections = self.slots.len() as u64;
        let whole = opened.ledger.range().end - opened.ledger.range().start;
        if let Some(span) = plan::next_span(&holes, busy, connections, whole) {
            return Some(span);
        }
        let sharing: Vec<(&Span, Busy)> = flights()
            .filter(|flight| !flight.aborted)
            .filter_map(|flight| Some((&*flight.span, flight.busy()?)))
            .collect();
        let busy: Vec<Busy> = sharing.iter().map(|(_, busy)| *busy).collect();
        let (victim, given) = plan::share(&busy, self.slots[index].rate, self.round_trip)?;
        let span = sharing.get(victim)?.0.cut(given);
        (!span.is_empty()).then_some(span)
    }

    fn span_launch(&self, span: Arc<Span>) -> Launch {
        let asked = span.remaining();
        let generation =
            self.opened.as_ref().map(|opened| opened.generation.clone()).unwrap_or_default();
        let conditions = match &generation.etag {
            Some(etag) => Conditions::Pinned { etag },
            None => Conditions::None,
        };
        let range = Some((asked.start, Some(asked.end.saturating_sub(1))));
        Launch {
            head: false,
            composed: compose(&self.request, range, conditions),
            gate: Gate::Pinned { generation: generation.clone(), asked },
            span,
            stores: true,
        }
    }

    /// Gives up the connection that is far behind the others, if there is one: a new one may find a better way.
    fn replace_laggard(&mut self, now: Instant) {
        let held_back = self.shared.bandwidth.holds_back();
        for flight in self.slots.iter_mut().filter_map(|slot| slot.flight.as_mut()) {
            if held_back {
                // What a connection does while they wait for their turns says nothing about its way.
                flight.measure_anew(now);
            } else {
                flight.sample(now);
            }
        }
        // An idle connection's last rate counts too: the last one at work may be the one that is far behind.
        let mut rates: Vec<f64> = self
            .slots
            .iter()
            .filter_map(|slot| match &slot.flight {
                Some(flight) => flight.rate(),
                None => Some(slot.rate).filter(|rate| *rate > 0.0),
            })
            .collect();
        rates.sort_by(f64::total_cmp);
        let Some(median) = rates.get(rates.len() / 2).copied().filter(|_| rates.len() > 1) else {
            return;
        };
        for slot in &mut self.slots {
            let rested = slot.replaced_at.is_none_or(|at| now.duration_since(at) >= REPLACE_EVERY);
            let Some(flight) = slot.flight.as_mut().filter(|flight| rested && !flight.aborted)
            else {
                continue;
            };
            let tried = now.duration_since(flight.started) >= TRY_FOR;
            let Some(rate) = flight.rate().filter(|rate| rate * LAGGARD < median) else { continue };
            let remaining = flight.remaining() as f64;
            let anew = 2.0 * self.round_trip.max(0.1) + remaining / median;
            let worth = remaining / rate.max(1.0) > 2.0 * anew;
            if tried && worth {
                slot.replaced_at = Some(now);
                flight.abort();
                return;
            }
        }
    }

    /// Whether nothing is missing. A fetch may still be under way: a stalled one whose bytes others have brought.
    fn is_whole(&self) -> bool {
        self.opened.as_ref().is_some_and(|opened| !opened.proving && opened.ledger.is_complete())
    }

    /// The single stream has ended and bytes are missing: it cannot go on.
    fn stream_ended(&self) -> Option<Landing> {
        let opened = self.opened.as_ref()?;
        let flying = self.slots.iter().any(|slot| slot.flight.is_some());
        if flying || opened.ledger.is_complete() {
            return None;
        }
        Some(Landing::Broken(Error::new(
            ErrorKind::Transport,
            "ConnectionBroken",
            format!("the connection broke while {} was being downloaded", self.object()),
        )))
    }

    fn next_wake(&self, now: Instant) -> Option<Instant> {
        let waiting = self.slots.iter().filter_map(|slot| slot.not_before).filter(|at| *at > now);
        let measuring = self.slots.len() > 1 && self.slots.iter().any(|slot| slot.flight.is_some());
        waiting.chain(measuring.then_some(now + MEASURE)).min()
    }
}
