//! One request in flight: `connection/fetch.rs` and the part of the worker that concerns it, with virtual time.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::oss::reply::ReplyHead;
use crate::transfer::bandwidth::RateLimiter;
use crate::transfer::connection::reply_stage::ReplyStage;
use crate::transfer::connection::span::Span;
use crate::transfer::counters::Counters;
use crate::transfer::event::{EndReason, Event, FetchEnd};
use crate::transfer::policy::reply_check::{self, Flaw};

use super::intake::Intake;
use super::plan::FaultKind;
use super::service::{Asked, Body, ObjectBody, Reply};

/// Interval at which a worker looks for time-outs.
const TICK: Duration = Duration::from_millis(100);
/// Bytes beyond the end of a span that may arrive with those before it: libcurl's smallest buffer.
const MOST_EXCESS: u64 = 16 * 1024;
/// The most that arrives at once; less under a bandwidth limit, as from a small receive buffer.
const MOST_AT_ONCE: u64 = 1024 * 1024;
const MOST_UNDER_LIMIT: u64 = 64 * 1024;
const LEAST_AT_ONCE: u64 = 4 * 1024;

/// A connection, which is used again after a body that was received whole.
#[derive(Clone, Copy, Debug)]
pub struct Connection {
    /// Bytes per second.
    pub rate: f64,
    /// Bytes after which it is reset.
    pub left: Option<u64>,
    /// Bytes that may be on their way while it starts slowly.
    pub window: Option<f64>,
}

impl Connection {
    /// Its rate on a path with this round trip.
    pub fn rate_over(&self, round_trip: Duration) -> f64 {
        match self.window {
            Some(window) => self.rate.min(window / round_trip.as_secs_f64().max(1e-4)),
            None => self.rate,
        }
    }

    /// Bytes have arrived, and room for as many more with them, while it starts slowly.
    fn grows(&mut self, bytes: u64, round_trip: Duration) {
        if self.rate_over(round_trip) >= self.rate {
            self.window = None;
        }
        if let Some(window) = &mut self.window {
            *window += bytes as f64;
        }
    }
}

/// What libcurl would see at a position of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    Reset,
    Short,
    Stall,
}

/// Largest part of an error's body that is kept, in bytes.
const MAX_ERROR_BODY: u64 = 64 * 1024;

/// A request in flight.
pub struct Flight {
    pub id: u64,
    /// Index of its process.
    pub process: usize,
    pub stage: ReplyStage,
    pub span: Arc<Span>,
    pub intake: Option<Intake>,
    pub asked: Asked,
    pub faults: Vec<FaultKind>,
    pub connection: Connection,
    pub opened: u64,
    pub limiter: RateLimiter,
    pub limited: bool,
    pub counters: Arc<Counters>,
    pub idle_timeout: Option<Duration>,
    pub started: Duration,
    /// When it had been sent; `None` while there is no connection.
    pub sent: Option<Duration>,
    /// The reply on its way.
    pub reply: Option<Reply>,
    pub head: ReplyHead,
    body: Option<ObjectBody>,
    text: Vec<u8>,
    position: u64,
    cut: Option<(u64, Cut)>,
    /// Bytes that arrive next.
    coming: u64,
    received: u64,
    first_byte: Option<Duration>,
    last_byte: Option<Duration>,
    stop_reason: Option<EndReason>,
    held_until: Option<Duration>,
    /// When the next look is planned.
    pub look_at: Option<Duration>,
}

/// How a step left a flight.
pub enum Next {
    /// Nothing happens before something else does.
    Waits,
    /// More bytes come, after this time.
    Flows(Duration),
    /// The bytes that have come are taken after this time.
    Again(Duration),
    Ends(EndReason),
}

impl Flight {
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        (id, process): (u64, usize),
        (stage, span): (ReplyStage, Arc<Span>),
        (asked, faults): (Asked, Vec<FaultKind>),
        (connection, opened): (Connection, u64),
        (limiter, limited): (RateLimiter, bool),
        counters: Arc<Counters>,
        idle_timeout: Option<Duration>,
        started: Duration,
    ) -> Self {
        Flight {
            id,
            process,
            stage,
            span,
            intake: None,
            asked,
            faults,
            connection,
            opened,
            limiter,
            limited,
            counters,
            idle_timeout,
            started,
            sent: None,
            reply: None,
            head: ReplyHead::default(),
            body: None,
            text: Vec::new(),
            position: 0,
            cut: None,
            coming: 0,
            received: 0,
            first_byte: None,
            last_byte: None,
            stop_reason: None,
            held_until: None,
            look_at: None,
        }
    }

    /// The head of the reply arrives, and with it the first byte of a body.
    pub fn head_arrives(&mut self, now: Duration, send: &mut dyn FnMut(Duration, Event)) -> Next {
        let Some(reply) = self.reply.take() else { return Next::Waits };
        self.last_byte.get_or_insert(now);
        self.first_byte.get_or_insert(now);
        if reply.garbage {
            let what = "the reply is not HTTP".to_owned();
            return Next::Ends(EndReason::Unusable(Flaw::Unreadable(what)));
        }
        if self.faults.contains(&FaultKind::HeadCut) {
            // Without the blank line that ends it.
            self.head.push_line(format!("HTTP/1.1 {} Simulated", reply.head.status).as_bytes());
            return Next::Ends(EndReason::Complete);
        }
        self.head = reply.head;
        match reply.body {
            Body::Nothing => return Next::Ends(EndReason::Complete),
            Body::Text(text) => self.text = text,
            Body::Object(body) => {
                self.cut = self.planned_cut(&body);
                self.body = Some(body);
                if self.cut.is_some_and(|(at, _)| at == 0) {
                    // No byte of the body comes, so that the reply is not looked at.
                    return Next::Flows(Duration::ZERO);
                }
            }
        }
        self.last_byte = Some(now);
        if !matches!(self.stage, ReplyStage::Accepted) {
            self.check_reply(now, send);
        }
        if self.stop_reason.is_some() {
            return Next::Ends(stopped());
        }
        match self.stage {
            ReplyStage::Accepted => Next::Flows(Duration::ZERO),
            ReplyStage::AwaitsDriver => Next::Waits,
            ReplyStage::NotObject if self.body.is_none() => Next::Ends(EndReason::Complete),
            ReplyStage::NotObject => self.end_of_probe(),
            _ => Next::Ends(stopped()),
        }
    }

    /// The end of a request whose body is kept as if it were the text of an error: for a byte that nobody needs.
    fn end_of_probe(&self) -> Next {
        let len = self.body.map_or(0, |body| body.len);
        match self.cut {
            Some((_, Cut::Stall)) => Next::Waits,
            Some((_, Cut::Reset)) => broken(curl_sys::CURLE_RECV_ERROR, "reset by peer"),
            Some((_, Cut::Short)) => broken(curl_sys::CURLE_PARTIAL_FILE, "a body is too short"),
            None if len > MAX_ERROR_BODY => Next::Ends(EndReason::Refused),
            None => Next::Ends(EndReason::Complete),
        }
    }

    /// The first fault within a body.
    fn planned_cut(&self, body: &ObjectBody) -> Option<(u64, Cut)> {
        let len = body.len;
        let planned = self.faults.iter().filter_map(|fault| match fault {
            FaultKind::Reset(at) => Some((len * at / 1000, Cut::Reset)),
            FaultKind::Short(at) => Some((len * at / 1000, Cut::Short)),
            FaultKind::Stall(at) => Some((len * at / 1000, Cut::Stall)),
            _ => None,
        });
        let dies = self.connection.left.map(|left| (left, Cut::Reset));
        let short = body.lacks_a_byte.then(|| (len - 1, Cut::Short));
        planned.chain(dies).chain(short).filter(|(at, _)| *at < len).min_by_key(|(at, _)| *at)
    }

    fn check_reply(&mut self, now: Duration, send: &mut dyn FnMut(Duration, Event)) {
        match &self.stage {
            ReplyStage::FirstReply | ReplyStage::Expected { .. }
                if !is_success(self.head.status) =>
            {
                self.stage = ReplyStage::NotObject;
            }
            ReplyStage::FirstReply => {
                self.stage = ReplyStage::AwaitsDriver;
                self.count_delay();
                send(now, Event::FirstReply { fetch: self.id, head: self.head.clone() });
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

    /// The driver has accepted the first reply.
    pub fn proceed(&mut self, intake: Intake, now: Duration) {
        self.intake = Some(intake);
        self.stage = ReplyStage::Accepted;
        self.last_byte = Some(now);
    }

    /// Decides how many bytes come next from a connection that brings `rate` bytes in a second; returns the time that
    /// they take.
    pub fn flow(&mut self, rate: f64, burst: Duration) -> Duration {
        let most = if self.limited { MOST_UNDER_LIMIT } else { MOST_AT_ONCE };
        let len = self.body.map_or(0, |body| body.len);
        let end = self.cut.map_or(len, |(at, _)| at.max(self.position));
        let at_once = ((rate * burst.as_secs_f64()) as u64).clamp(LEAST_AT_ONCE, most);
        self.coming = at_once.min(end - self.position);
        Duration::from_secs_f64(self.coming as f64 / rate.max(1.0))
    }

    /// The bytes that were coming arrive, on a path with this round trip. `base` is the beginning of the world.
    pub fn bytes_arrive(
        &mut self,
        (now, round_trip): (Duration, Duration),
        base: Instant,
        claimed: &mut dyn FnMut(Range<u64>),
        send: &mut dyn FnMut(Duration, Event),
    ) -> Next {
        if self.coming == 0 {
            return match self.cut {
                Some((_, Cut::Stall)) => Next::Waits,
                Some((_, Cut::Reset)) => broken(curl_sys::CURLE_RECV_ERROR, "reset by peer"),
                _ => broken(curl_sys::CURLE_PARTIAL_FILE, "end of response with bytes missing"),
            };
        }
        let (Some(body), Some(intake)) = (self.body, &mut self.intake) else { return Next::Waits };
        self.last_byte = Some(now);
        self.held_until = intake.held_until(now);
        if let Some(until) = self.held_until {
            return Next::Again(until - now);
        }
        if !self.limiter.admit(usize::try_from(self.coming).unwrap_or(usize::MAX), base + now) {
            let turn = self.limiter.turn(base + now).unwrap_or(base + now);
            let wait = turn.saturating_duration_since(base + now);
            return Next::Again(wait.max(Duration::from_micros(1)));
        }
        let remaining = self.span.remaining();
        let left = remaining.end - remaining.start;
        let brought = self.coming.min(left.saturating_add(MOST_EXCESS));
        let counters = self.counters.clone();
        let count = |ours: usize| {
            counters.bytes_from_network.add(brought);
            counters.bytes_done.add(ours as u64);
            counters.bytes_discarded.add(brought - ours as u64);
        };
        let claim = self.span.claim(usize::try_from(brought).unwrap_or(usize::MAX), count);
        let Some((offset, ours)) = claim else { return Next::Ends(EndReason::Aborted) };
        let ours = ours as u64;
        claimed(offset..offset + ours);
        let bytes = body.bytes(self.position, self.position + ours);
        let taken = intake.take(&bytes, now, send);
        self.received += ours;
        self.position += brought;
        if let Some(left) = &mut self.connection.left {
            *left = left.saturating_sub(brought);
        }
        self.connection.grows(brought, round_trip);
        match taken {
            Err(error) => Next::Ends(EndReason::Fault(error)),
            Ok(_) if ours < brought => Next::Ends(EndReason::Cut),
            Ok(_) if self.position == body.len => Next::Ends(EndReason::Complete),
            Ok(kept) => Next::Flows(kept),
        }
    }

    /// Whether the whole body was received, so that the connection can be used again.
    pub fn is_drained(&self) -> bool {
        self.body.is_none_or(|body| self.position == body.len)
    }

    fn waits_locally(&self, now: Duration) -> bool {
        self.held_until.is_some_and(|until| now < until)
            || self.limiter.is_waiting()
            || matches!(self.stage, ReplyStage::AwaitsDriver)
    }

    /// What a worker does at regular intervals.
    pub fn look(
        &mut self,
        now: Duration,
        send: &mut dyn FnMut(Duration, Event),
    ) -> Result<(), EndReason> {
        if let Some(intake) = &mut self.intake {
            intake.tick(now, send).map_err(EndReason::Fault)?;
        }
        // A connection that waits for a buffer is tried again and again.
        let since = self.last_byte.max(self.held_until).or(self.sent);
        let idle = since.map_or(Duration::ZERO, |since| now.saturating_sub(since));
        match self.idle_timeout {
            Some(limit) if idle > limit && !self.waits_locally(now) => Err(EndReason::Stalled),
            _ => Ok(()),
        }
    }

    /// When a worker would see something at its next looks.
    pub fn next_look(&self, now: Duration) -> Option<Duration> {
        let idle = self.last_byte.or(self.sent).zip(self.idle_timeout);
        let idle = idle.map(|(since, limit)| since + limit + TICK / 2);
        let report = self.intake.as_ref().and_then(Intake::report_due);
        // A connection that waits for this machine is looked at again and again.
        let due = [idle, report].into_iter().flatten().min()?;
        Some(if due <= now { now + TICK } else { due })
    }

    /// Stores the received bytes. Returns the end that has to be reported, and when.
    pub fn finish(
        &mut self,
        outcome: EndReason,
        now: Duration,
        send: &mut dyn FnMut(Duration, Event),
    ) -> (Duration, Box<FetchEnd>) {
        self.counters.connections.add(self.opened);
        let mut ending = match (self.stop_reason.take(), outcome) {
            (Some(reason), EndReason::Broken { .. }) => reason,
            (_, EndReason::Complete) => self.completed(now, send),
            (_, other) => other,
        };
        let mut at = now;
        if let Some(intake) = &mut self.intake {
            let (done, stored) = intake.finish(now, send);
            at = done;
            if let Err(error) = stored {
                ending = EndReason::Fault(error);
            }
        }
        let end = FetchEnd {
            fetch: self.id,
            ending,
            head: std::mem::take(&mut self.head),
            body: std::mem::take(&mut self.text),
            received: self.received,
            first_byte: self.first_byte.map(|at| at.saturating_sub(self.started)),
            connection: None,
        };
        (at, Box::new(end))
    }

    fn completed(&mut self, now: Duration, send: &mut dyn FnMut(Duration, Event)) -> EndReason {
        if !self.head.is_whole() {
            return EndReason::Broken {
                curl_code: curl_sys::CURLE_RECV_ERROR,
                message: "the connection was closed within the headers of the reply".to_owned(),
            };
        }
        if let ReplyStage::Expected { .. } = self.stage {
            self.check_reply(now, send);
            if let Some(reason) = self.stop_reason.take() {
                return reason;
            }
        }
        match self.stage {
            ReplyStage::Accepted => {
                self.span.end_with_body();
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
            _ if is_success(self.head.status) => EndReason::Complete,
            _ => EndReason::Refused,
        }
    }
}

fn is_success(status: u16) -> bool {
    matches!(status, 200 | 206)
}

/// The end that libcurl reports if a callback has stopped the transfer.
fn stopped() -> EndReason {
    EndReason::Broken {
        curl_code: curl_sys::CURLE_WRITE_ERROR,
        message: "a callback stopped the transfer".to_owned(),
    }
}

fn broken(curl_code: u32, message: &str) -> Next {
    Next::Ends(EndReason::Broken { curl_code, message: message.to_owned() })
}
