//! One HTTP request in flight: libcurl's callbacks and the reply check that every body must pass before its bytes are
//! used.

use std::sync::Arc;
use std::time::{Duration, Instant};

use curl::easy::{Handler, WriteError};

use crate::oss::reply::ReplyHead;
use crate::sync::inbox::Sender;

use super::held_body::{BodyHolder, HeldBody, HeldBytes, MAX_HELD, end_of_body};
use super::reply_stage::ReplyStage;
use super::span::Span;
use crate::transfer::bandwidth::RateLimiter;
use crate::transfer::counters::Counters;
use crate::transfer::disk::intake::Intake;
use crate::transfer::event::{EndReason, Event, FetchEnd, UsedConnection};
use crate::transfer::policy::reply_check::{self, Flaw};

/// Largest part of an error's body that is kept, in bytes.
const MAX_ERROR_BODY: usize = 64 * 1024;
/// Longest time for an error's body: a service that sends one very slowly must not occupy the connection for ever.
const MAX_ERROR_TIME: Duration = Duration::from_secs(5);
/// Largest head of a reply, in bytes; OSS allows 8 KiB of user metadata.
const MAX_HEAD: usize = 256 * 1024;

/// One HTTP request as libcurl's handler.
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
    /// Where the body of a first reply may be left, if it comes at once.
    holder: Option<Arc<BodyHolder>>,
    /// The start of the body of a first reply that the driver has not accepted yet.
    held: Option<HeldBytes>,
    /// Why a callback stopped the transfer.
    stop_reason: Option<EndReason>,
    received: u64,
    started: Instant,
    last_byte: Option<Instant>,
    first_byte: Option<Instant>,
    /// The last callback paused the transfer because no buffer was free.
    waits_for_buffer: bool,
    /// The end has to tell which connection was used.
    is_traced: bool,
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
            holder: None,
            held: None,
            stop_reason: None,
            received: 0,
            started: Instant::now(),
            last_byte: None,
            first_byte: None,
            waits_for_buffer: false,
            is_traced: false,
        }
    }

    /// Lets the end tell which connection was used, if `is_traced`.
    #[must_use]
    pub fn traced(mut self, is_traced: bool) -> Self {
        self.is_traced = is_traced;
        self
    }

    pub fn is_traced(&self) -> bool {
        self.is_traced
    }

    /// Leaves the body of a first reply to `holder` if it is small and comes at once.
    #[must_use]
    pub fn leaving_to(mut self, holder: Option<Arc<BodyHolder>>) -> Self {
        self.holder = holder;
        self
    }

    /// Whether a body has begun to come of which the driver has not been told.
    pub fn is_holding(&self) -> bool {
        self.held.is_some() && matches!(self.stage, ReplyStage::FirstReply)
    }

    /// Tells the driver of the first reply. No byte may come until it accepts the reply.
    pub fn announce(&mut self) {
        self.stage = ReplyStage::AwaitsDriver;
        let _ = self.events.send(Event::FirstReply { fetch: self.id, head: self.head.clone() });
    }

    /// Accepts the first reply and passes its body to `intake`; returns `false` if the transfer has to stop.
    pub fn proceed(&mut self, intake: Intake) -> bool {
        self.intake = Some(intake);
        self.stage = ReplyStage::Accepted;
        self.last_byte = Some(Instant::now());
        // Without a buffer it is tried again with the next bytes.
        self.take_held().unwrap_or(true)
    }

    /// Whether the fetch waits for this process and not for the network.
    pub fn waits_locally(&self) -> bool {
        self.waits_for_buffer
            || self.rate_limiter.is_waiting()
            || matches!(self.stage, ReplyStage::AwaitsDriver)
    }

    /// Whether to resume a paused transfer: a buffer may be free, or its bandwidth limit allows more bytes.
    pub fn should_resume(&self, now: Instant) -> bool {
        self.waits_for_buffer || self.turn(now).is_some_and(|turn| turn <= now)
    }

    /// When a transfer that its bandwidth limit has paused may continue.
    pub fn turn(&self, now: Instant) -> Option<Instant> {
        self.rate_limiter.turn(now)
    }

    /// Time since the last byte; `sent` is when the request had been sent, if it has.
    pub fn idle_time(&self, now: Instant, sent: Option<Duration>) -> Option<Duration> {
        let since = match (self.last_byte, sent) {
            (Some(last), _) => last,
            (None, Some(sent)) => self.started + sent,
            (None, None) => return None,
        };
        Some(now.saturating_duration_since(since))
    }

    /// Lets the intake store old bytes, and ends an error's body that takes too long.
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

    /// Stores the received bytes and reports the end. `outcome` is the end of the transfer as seen outside the
    /// callbacks, `connections` how many were opened, and `connection` the one that was used.
    pub fn finish(
        &mut self,
        outcome: EndReason,
        connections: u64,
        connection: Option<UsedConnection>,
    ) {
        self.counters.connections.add(connections);
        let is_whole = matches!(outcome, EndReason::Complete | EndReason::Broken { .. });
        let left = match self.is_holding() && is_whole {
            true => self.held.take(),
            false => None,
        };
        if self.intake.is_some() {
            // Without a buffer they are fetched again.
            let _ = self.take_held();
        }
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
            connection,
        });
        match (&mut self.intake, left) {
            (Some(intake), _) => intake.finish(end),
            (None, Some(bytes)) => self.leave(bytes, end),
            // Nobody listens if the driver has ended.
            (None, None) => drop(self.events.send(Event::Ended(end))),
        }
    }

    /// Leaves the body of the first reply to the driver, which stores it and so ends the fetch.
    fn leave(&mut self, bytes: HeldBytes, end: Box<FetchEnd>) {
        let Some(holder) = &self.holder else { return };
        let head = end.head.clone();
        let (span, counters, events) =
            (self.span.clone(), self.counters.clone(), self.events.clone());
        match holder.hold(HeldBody { span, counters, events, bytes, end }) {
            Ok(()) => drop(self.events.send(Event::FirstReply { fetch: self.id, head })),
            Err(aborted) => aborted.end(EndReason::Aborted),
        }
    }

    /// The outcome of a transfer that libcurl considers complete.
    fn completed(&mut self) -> EndReason {
        if !self.head.is_whole() {
            return EndReason::Broken {
                curl_code: curl_sys::CURLE_RECV_ERROR,
                message: "the connection was closed within the headers of the reply".to_owned(),
            };
        }
        if let ReplyStage::Expected { .. } = self.stage {
            // There was no body, so the reply has not been checked yet.
            self.check_reply();
            if let Some(stop_reason) = self.stop_reason.take() {
                return stop_reason;
            }
        }
        match self.stage {
            ReplyStage::Accepted => end_of_body(&self.span),
            _ if self.head.status == 0 => invalid_status_line(),
            _ if is_success(self.head.status) => EndReason::Complete,
            _ => EndReason::Refused,
        }
    }

    /// Checks the reply once its head is complete, at the first body byte.
    fn check_reply(&mut self) {
        match &self.stage {
            ReplyStage::FirstReply | ReplyStage::Expected { .. } | ReplyStage::Document { .. }
                if self.head.status == 0 =>
            {
                self.stop_reason = Some(invalid_status_line());
            }
            ReplyStage::FirstReply | ReplyStage::Expected { .. } | ReplyStage::Document { .. }
                if !is_success(self.head.status) =>
            {
                self.stage = ReplyStage::NotObject;
            }
            ReplyStage::FirstReply => {
                self.count_delay();
                self.held = self.room_for_body();
                if self.held.is_none() {
                    self.announce();
                }
            }
            ReplyStage::Expected { generation, pinning, asked } => {
                match reply_check::later_reply(&self.head, asked, generation, *pinning) {
                    Ok(()) => {
                        self.stage = ReplyStage::Accepted;
                        self.count_delay();
                    }
                    Err(flaw) => self.stop_reason = Some(EndReason::Unusable(flaw)),
                }
            }
            ReplyStage::AwaitsDriver
            | ReplyStage::Accepted
            | ReplyStage::Document { .. }
            | ReplyStage::NotObject => {}
        }
    }

    fn count_delay(&self) {
        self.counters.delayed_replies.add(u64::from(self.head.qos_delay().is_some()));
    }

    /// A buffer for the body, if that is small enough to be held.
    fn room_for_body(&self) -> Option<HeldBytes> {
        let holder = self.holder.as_ref()?;
        let len = self.head.content_length().ok().flatten()?;
        usize::try_from(len).ok().filter(|len| *len <= MAX_HELD).and_then(|_| holder.room())
    }

    /// Stores the bytes that were held until the driver accepted the reply; results as of [`Fetch::take`].
    fn take_held(&mut self) -> Result<bool, WriteError> {
        let Some(held) = self.held.take() else { return Ok(true) };
        let taken = self.take(held.bytes());
        if matches!(taken, Err(WriteError::Pause)) {
            self.held = Some(held);
        }
        taken
    }

    /// Stores body bytes of an accepted reply; `Ok(false)` stops the transfer.
    fn take(&mut self, data: &[u8]) -> Result<bool, WriteError> {
        let Some(intake) = &mut self.intake else { return Ok(false) };
        match intake.make_room(data.len()) {
            Ok(true) => self.waits_for_buffer = false,
            Ok(false) => {
                self.waits_for_buffer = true;
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
        let counters = &self.counters;
        let claimed = self.span.claim(data.len(), |claimed| {
            counters.bytes_from_network.add(data.len() as u64);
            counters.bytes_done.add(claimed as u64);
            counters.bytes_discarded.add((data.len() - claimed) as u64);
        });
        let Some((_, claimed)) = claimed else {
            self.stop_reason = Some(EndReason::Aborted);
            return Ok(false);
        };
        let (ours, beyond) = data.split_at(claimed);
        if let Err(error) = intake.take(ours) {
            self.stop_reason = Some(EndReason::Fault(error));
            return Ok(false);
        }
        self.received += ours.len() as u64;
        if beyond.is_empty() {
            return Ok(true);
        }
        self.stop_reason = Some(EndReason::Cut);
        Ok(false)
    }
}

/// libcurl accepts some invalid status lines, such as one with a four-digit status.
fn invalid_status_line() -> EndReason {
    EndReason::Unusable(Flaw::Unreadable("its status line is not valid".to_owned()))
}

/// Statuses whose body may contain object bytes.
fn is_success(status: u16) -> bool {
    matches!(status, 200 | 206)
}

impl Handler for Fetch {
    fn header(&mut self, data: &[u8]) -> bool {
        // Only the first line counts as received data: a head that never ends is not progress.
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
        if !matches!(self.stage, ReplyStage::Accepted) && !self.is_holding() {
            self.check_reply();
        }
        if self.stop_reason.is_some() {
            return Ok(0);
        }
        if self.is_holding()
            && let Some(held) = &mut self.held
        {
            held.append(data);
            return Ok(data.len());
        }
        match self.stage {
            ReplyStage::Accepted => {
                Ok(if self.take_held()? && self.take(data)? { data.len() } else { 0 })
            }
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
            ReplyStage::Document { max } => {
                if data.len() > max.saturating_sub(self.body.len()) {
                    let what = format!("its body is longer than {max} bytes");
                    self.stop_reason = Some(EndReason::Unusable(Flaw::Unreadable(what)));
                    return Ok(0);
                }
                self.counters.bytes_from_network.add(data.len() as u64);
                self.body.extend_from_slice(data);
                Ok(data.len())
            }
            ReplyStage::FirstReply | ReplyStage::Expected { .. } => Ok(0),
        }
    }
}
