//! One HTTP request in flight: libcurl's callbacks, and the gate no byte passes before its reply was vetted.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use curl::easy::{Handler, WriteError};

use crate::oss::reply::ReplyHead;
use crate::sync::channel::Sender;

use super::bandwidth::Throttle;
use super::event::{Ending, Event, FetchEnd};
use super::intake::Intake;
use super::progress::Counters;
use super::span::Span;
use super::vet::{self, Generation};

/// Most of an error's body that is kept, in bytes.
const MAX_ERROR_BODY: usize = 64 * 1024;
/// Longest time for an error's body: a service that dribbles one must not hold the connection for ever.
const MAX_ERROR_TIME: Duration = Duration::from_secs(5);
/// Longest head of a reply, in bytes; OSS allows 8 KiB of user metadata.
const MAX_HEAD: usize = 256 * 1024;

/// What a reply must be before its body is used.
pub enum Gate {
    /// The first request of a download: its reply is shown to the driver, who decides.
    Opening,
    /// Shown, and not decided yet.
    Shown,
    /// A later request: the reply must be exactly these bytes of this generation.
    Pinned { generation: Arc<Generation>, asked: Range<u64> },
    /// Vetted; bytes flow.
    Open,
    /// A HEAD, or a status that carries no object bytes: what comes is kept as text for the error.
    Closed,
}

/// libcurl's view of a fetch.
pub struct Fetch {
    pub id: u64,
    gate: Gate,
    span: Arc<Span>,
    intake: Option<Intake>,
    events: Sender<Event>,
    counters: Arc<Counters>,
    throttle: Throttle,
    head: ReplyHead,
    head_bytes: usize,
    body: Vec<u8>,
    /// Why the transfer was stopped from inside a callback.
    verdict: Option<Ending>,
    received: u64,
    started: Instant,
    last_byte: Option<Instant>,
    first_byte: Option<Instant>,
    /// The last callback asked for a pause because no buffer was free.
    starved: bool,
}

impl Fetch {
    pub fn new(
        id: u64,
        gate: Gate,
        span: Arc<Span>,
        intake: Option<Intake>,
        events: Sender<Event>,
        counters: Arc<Counters>,
        throttle: Throttle,
    ) -> Self {
        Fetch {
            id,
            gate,
            span,
            intake,
            events,
            counters,
            throttle,
            head: ReplyHead::default(),
            head_bytes: 0,
            body: Vec::new(),
            verdict: None,
            received: 0,
            started: Instant::now(),
            last_byte: None,
            first_byte: None,
            starved: false,
        }
    }

    /// Opens the gate of the opening request.
    pub fn proceed(&mut self, intake: Intake) {
        self.intake = Some(intake);
        self.gate = Gate::Open;
        self.last_byte = Some(Instant::now());
    }

    /// Whether the fetch waits for this process rather than for the network.
    pub fn waits_for_us(&self) -> bool {
        self.starved || self.throttle.is_waiting() || matches!(self.gate, Gate::Shown)
    }

    /// Whether a paused transfer should be tried again: for a free buffer, or because its turn has come.
    pub fn wants_another_try(&self, now: Instant) -> bool {
        self.starved || self.turn(now).is_some_and(|turn| turn <= now)
    }

    /// When a transfer that waits under a bandwidth limit may go on.
    pub fn turn(&self, now: Instant) -> Option<Instant> {
        self.throttle.turn(now)
    }

    /// How long nothing came; `sent` is when the request was on the wire, if it is.
    pub fn silence(&self, now: Instant, sent: Option<Duration>) -> Option<Duration> {
        let since = match (self.last_byte, sent) {
            (Some(last), _) => last,
            (None, Some(sent)) => self.started + sent,
            (None, None) => return None,
        };
        Some(now.saturating_duration_since(since))
    }

    /// Lets the intake store what has waited, and ends an error's body that goes on and on.
    pub fn tick(&mut self, now: Instant) -> Result<(), Ending> {
        let head_came = self.first_byte.filter(|_| matches!(self.gate, Gate::Closed));
        let overdue = head_came.is_some_and(|at| now.duration_since(at) > MAX_ERROR_TIME);
        if overdue && !is_success(self.head.status) {
            return Err(Ending::Refused);
        }
        match &mut self.intake {
            Some(intake) => intake.tick(now).map_err(Ending::Fault),
            None => Ok(()),
        }
    }

    /// Stores what came and reports the end. `outcome` is what ended the transfer from outside the callbacks.
    pub fn finish(&mut self, outcome: Ending, connections: u64) {
        self.counters.connections.add(connections);
        let ending = match (self.verdict.take(), outcome) {
            (Some(verdict), Ending::Broken { .. }) => verdict,
            (_, Ending::Complete) => self.completed(),
            (_, other) => other,
        };
        let end = Box::new(FetchEnd {
            fetch: self.id,
            ending,
            head: std::mem::take(&mut self.head),
            body: std::mem::take(&mut self.body),
            received: self.received,
            first_byte: self.first_byte.map(|at| at.duration_since(self.started)),
        });
        match &mut self.intake {
            Some(intake) => intake.finish(end),
            // A driver that is gone no longer wants to know.
            None => drop(self.events.send(Event::Ended(end))),
        }
    }

    /// What a transfer means that libcurl found complete.
    fn completed(&mut self) -> Ending {
        if !self.head.is_whole() {
            return Ending::Broken {
                curl_code: curl_sys::CURLE_RECV_ERROR,
                message: "the connection was closed inside the head of the reply".to_owned(),
            };
        }
        if let Gate::Pinned { .. } = self.gate {
            // No body came, so the gate was never tried.
            self.try_gate();
            if let Some(verdict) = self.verdict.take() {
                return verdict;
            }
        }
        match self.gate {
            Gate::Open => {
                let missing = self.span.remaining();
                if missing.is_empty() {
                    Ending::Complete
                } else {
                    Ending::Broken {
                        curl_code: curl_sys::CURLE_PARTIAL_FILE,
                        message: format!("{} bytes short", missing.end - missing.start),
                    }
                }
            }
            _ if is_success(self.head.status) => Ending::Complete,
            _ => Ending::Refused,
        }
    }

    /// Vets the reply once its head is whole, which is when the first body byte comes.
    fn try_gate(&mut self) {
        match &self.gate {
            Gate::Opening | Gate::Pinned { .. } if !is_success(self.head.status) => {
                self.gate = Gate::Closed;
            }
            Gate::Opening => {
                self.gate = Gate::Shown;
                let _ = self.events.send(Event::Opened { fetch: self.id, head: self.head.clone() });
            }
            Gate::Pinned { generation, asked } => {
                match vet::pinned(&self.head, asked, generation) {
                    Ok(()) => self.gate = Gate::Open,
                    Err(flaw) => self.verdict = Some(Ending::Unusable(flaw)),
                }
            }
            Gate::Shown | Gate::Open | Gate::Closed => {}
        }
    }

    /// Takes body bytes of an open gate; `Ok(false)` stops the transfer.
    fn take(&mut self, data: &[u8]) -> Result<bool, WriteError> {
        let Some(intake) = &mut self.intake else { return Ok(false) };
        match intake.make_room(data.len()) {
            Ok(true) => self.starved = false,
            Ok(false) => {
                self.starved = true;
                return Err(WriteError::Pause);
            }
            Err(error) => {
                self.verdict = Some(Ending::Fault(error));
                return Ok(false);
            }
        }
        if !self.throttle.admit(data.len(), Instant::now()) {
            return Err(WriteError::Pause);
        }
        let (_, taken) = self.span.claim(data.len());
        let (ours, beyond) = data.split_at(taken);
        intake.take(ours);
        self.received += ours.len() as u64;
        self.counters.bytes_from_network.add(data.len() as u64);
        self.counters.bytes_done.add(ours.len() as u64);
        if beyond.is_empty() {
            return Ok(true);
        }
        self.counters.bytes_discarded.add(beyond.len() as u64);
        self.verdict = Some(Ending::Cut);
        Ok(false)
    }
}

/// Statuses whose body may be object bytes.
fn is_success(status: u16) -> bool {
    matches!(status, 200 | 206)
}

impl Handler for Fetch {
    fn header(&mut self, data: &[u8]) -> bool {
        // Only the first line breaks the silence: a head that never ends brings nothing.
        let now = Instant::now();
        self.last_byte.get_or_insert(now);
        self.first_byte.get_or_insert(now);
        self.head_bytes += data.len();
        if self.head_bytes > MAX_HEAD {
            return false;
        }
        self.head.push_line(data);
        true
    }

    fn write(&mut self, data: &[u8]) -> Result<usize, WriteError> {
        self.last_byte = Some(Instant::now());
        if !matches!(self.gate, Gate::Open) {
            self.try_gate();
        }
        if self.verdict.is_some() {
            return Ok(0);
        }
        match self.gate {
            Gate::Open => Ok(if self.take(data)? { data.len() } else { 0 }),
            Gate::Shown => Err(WriteError::Pause),
            Gate::Closed => {
                let room = MAX_ERROR_BODY.saturating_sub(self.body.len()).min(data.len());
                self.body.extend_from_slice(&data[..room]);
                if room < data.len() {
                    self.verdict = Some(Ending::Refused);
                    return Ok(0);
                }
                Ok(data.len())
            }
            Gate::Opening | Gate::Pinned { .. } => Ok(0),
        }
    }
}
