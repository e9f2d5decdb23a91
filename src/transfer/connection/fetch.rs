//! One HTTP request in in_flight: libcurl's callbacks, and the gate no byte passes before its reply was vetted.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use curl::easy::{Handler, WriteError};

use crate::oss::reply::ReplyHead;
use crate::sync::channel::Sender;

use super::span::Span;
use crate::transfer::bandwidth::RateLimiter;
use crate::transfer::counters::Counters;
use crate::transfer::disk::intake::Intake;
use crate::transfer::event::{EndReason, Event, FetchEnd};
use crate::transfer::policy::reply_check::{self, Flaw, Generation};

/// Most of an error's body that is kept, in bytes.
const MAX_ERROR_BODY: usize = 64 * 1024;
/// Longest time for an error's body: a service that dribbles one must not hold the connection for ever.
const MAX_ERROR_TIME: Duration = Duration::from_secs(5);
/// Longest head of a reply, in bytes; OSS allows 8 KiB of user metadata.
const MAX_HEAD: usize = 256 * 1024;

/// What a reply must be before its body is used.
pub enum ReplyStage {
    /// The first request of a download: its reply is shown to the driver, who decides.
    FirstReply,
    /// Shown, and not decided yet.
    AwaitsDriver,
    /// A later request: the reply must be exactly these bytes of this generation.
    Expected { generation: Arc<Generation>, asked: Range<u64> },
    /// Vetted; bytes flow.
    Accepted,
    /// A HEAD, or a status that carries no object bytes: what comes is kept as text for the error.
    NotObject,
}

/// libcurl's view of a fetch.
pub struct Fetch {
    pub id: u64,
    stage: ReplyStage,
    span: Arc<Span>,
    intake: Option<Intake>,
    events: Sender<Event>,
    counters: Arc<Counters>,
    rate_limiter: RateLimiter,
    head: ReplyHead,
    head_bytes: usize,
    body: Vec<u8>,
    /// Why the transfer was stopped from inside a callback.
    stop_reason: Option<EndReason>,
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
        stage: ReplyStage,
        span: Arc<Span>,
        intake: Option<Intake>,
        events: Sender<Event>,
        counters: Arc<Counters>,
        rate_limiter: RateLimiter,
    ) -> Self {
        Fetch {
            id,
            stage,
            span,
            intake,
            events,
            counters,
            rate_limiter,
            head: ReplyHead::default(),
            head_bytes: 0,
            body: Vec::new(),
            stop_reason: None,
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
        self.stage = ReplyStage::Accepted;
        self.last_byte = Some(Instant::now());
    }

    /// Whether the fetch waits for this process rather than for the network.
    pub fn waits_for_us(&self) -> bool {
        self.starved
            || self.rate_limiter.is_waiting()
            || matches!(self.stage, ReplyStage::AwaitsDriver)
    }

    /// Whether a paused transfer should be tried again: for a free buffer, or because its turn has come.
    pub fn wants_another_try(&self, now: Instant) -> bool {
        self.starved || self.turn(now).is_some_and(|turn| turn <= now)
    }

    /// When a transfer that waits under a bandwidth limit may go on.
    pub fn turn(&self, now: Instant) -> Option<Instant> {
        self.rate_limiter.turn(now)
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
    pub fn tick(&mut self, now: Instant) -> Result<(), EndReason> {
        let head_came = self.first_byte.filter(|_| matches!(self.stage, ReplyStage::NotObject));
        let overdue = head_came.is_some_and(|at| now.duration_since(at) > MAX_ERROR_TIME);
        if overdue && !is_success(self.head.status) {
            return Err(EndReason::Refused);
        }
        match &mut self.intake {
            Some(intake) => intake.tick(now).map_err(EndReason::Fault),
            None => Ok(()),
        }
    }

    /// Stores what came and reports the end. `outcome` is what ended the transfer from outside the callbacks.
    pub fn finish(&mut self, outcome: EndReason, connections: u64) {
        self.counters.connections.add(connections);
        let ending = match (self.stop_reason.take(), outcome) {
            (Some(stop_reason), EndReason::Broken { .. }) => stop_reason,
            (_, EndReason::Complete) => self.completed(),
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
    fn completed(&mut self) -> EndReason {
        if !self.head.is_whole() {
            return EndReason::Broken {
                curl_code: curl_sys::CURLE_RECV_ERROR,
                message: "the connection was closed inside the head of the reply".to_owned(),
            };
        }
        if let ReplyStage::Expected { .. } = self.stage {
            // No body came, so the gate was never tried.
            self.check_reply();
            if let Some(stop_reason) = self.stop_reason.take() {
                return stop_reason;
            }
        }
        match self.stage {
            ReplyStage::Accepted => {
                let missing = self.span.remaining();
                if missing.is_empty() {
                    EndReason::Complete
                } else {
                    EndReason::Broken {
                        curl_code: curl_sys::CURLE_PARTIAL_FILE,
                        message: format!("{} bytes short", missing.end - missing.start),
                    }
                }
            }
            _ if self.head.status == 0 => no_status_line(),
            _ if is_success(self.head.status) => EndReason::Complete,
            _ => EndReason::Refused,
        }
    }

    /// Vets the reply once its head is whole, which is when the first body byte comes.
    fn check_reply(&mut self) {
        match &self.stage {
            ReplyStage::FirstReply | ReplyStage::Expected { .. } if self.head.status == 0 => {
                self.stop_reason = Some(no_status_line());
            }
            ReplyStage::FirstReply | ReplyStage::Expected { .. }
                if !is_success(self.head.status) =>
            {
                self.stage = ReplyStage::NotObject;
            }
            ReplyStage::FirstReply => {
                self.stage = ReplyStage::AwaitsDriver;
                let _ =
                    self.events.send(Event::FirstReply { fetch: self.id, head: self.head.clone() });
            }
            ReplyStage::Expected { generation, asked } => {
                match reply_check::later_reply(&self.head, asked, generation) {
                    Ok(()) => self.stage = ReplyStage::Accepted,
                    Err(flaw) => self.stop_reason = Some(EndReason::Unusable(flaw)),
                }
            }
            ReplyStage::AwaitsDriver | ReplyStage::Accepted | ReplyStage::NotObject => {}
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
                self.stop_reason = Some(EndReason::Fault(error));
                return Ok(false);
            }
        }
        if !self.rate_limiter.admit(data.len(), Instant::now()) {
            return Err(WriteError::Pause);
        }
        let (_, taken) = self.span.claim(data.len());
        let (ours, beyond) = data.split_at(taken);
        if let Err(error) = intake.take(ours) {
            self.stop_reason = Some(EndReason::Fault(error));
            return Ok(false);
        }
        self.received += ours.len() as u64;
        self.counters.bytes_from_network.add(data.len() as u64);
        self.counters.bytes_done.add(ours.len() as u64);
        if beyond.is_empty() {
            return Ok(true);
        }
        self.counters.bytes_discarded.add(beyond.len() as u64);
        self.stop_reason = Some(EndReason::Cut);
        Ok(false)
    }
}

/// libcurl reads some status lines that are none, such as one with a status of four digits.
fn no_status_line() -> EndReason {
    EndReason::Unusable(Flaw::Unreadable("it has no valid status line".to_owned()))
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
            let what = format!("its headers are longer than {MAX_HEAD} bytes");
            self.stop_reason = Some(EndReason::Unusable(Flaw::Unreadable(what)));
            return false;
        }
        self.head.push_line(data);
        true
    }

    fn write(&mut self, data: &[u8]) -> Result<usize, WriteError> {
        self.last_byte = Some(Instant::now());
        if !matches!(self.stage, ReplyStage::Accepted) {
            self.check_reply();
        }
        if self.stop_reason.is_some() {
            return Ok(0);
        }
        match self.stage {
            ReplyStage::Accepted => Ok(if self.take(data)? { data.len() } else { 0 }),
            ReplyStage::AwaitsDriver => Err(WriteError::Pause),
            ReplyStage::NotObject => {
                let room = MAX_ERROR_BODY.saturating_sub(self.body.len()).min(data.len());
                self.body.extend_from_slice(&data[..room]);
                if room < data.len() {
                    self.stop_reason = Some(EndReason::Refused);
                    return Ok(0);
                }
                Ok(data.len())
            }
            ReplyStage::FirstReply | ReplyStage::Expected { .. } => Ok(0),
        }
    }
}
