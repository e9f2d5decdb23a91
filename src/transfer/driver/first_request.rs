//! The first request, whose reply fixes the generation, and the decisions that follow from it.

use std::ops::Range;
use std::sync::Arc;

use crate::model::error::{Error, ErrorKind, Result};
use crate::model::extent::Extent;
use crate::model::options::LogLevel;
use crate::model::pinning::Pinning;
use crate::model::trace::RequestEnd;
use crate::oss::get_object::{Conditions, compose};
use crate::oss::reply::ReplyHead;
use crate::oss::service_error::{self, ServiceError};
use crate::transfer::connection::reply_stage::ReplyStage;
use crate::transfer::connection::span::Span;
use crate::transfer::event::{EndReason, Event};
use crate::transfer::policy::reply_check::{self, FirstReply, Flaw, Generation, UNKNOWN};
use crate::transfer::policy::retry::{Cause, Failure, Retryability};
use crate::transfer::world::NewRequest;

use super::Driver;
use super::failure::AfterFailure;
use super::start_request::StartOutcome;

/// The slot of the first request.
pub const FIRST: usize = 0;

/// How often an object at a URL may have become shorter before the first reply that can be used.
const MOST_SHORTER: u32 = 3;

/// What the first request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FirstRequest {
    /// These bytes, first and last: the first missing part.
    Part(u64, u64),
    /// All bytes from here to the last wanted one: the object cannot be fetched in parts.
    Stream(u64, Option<u64>),
    /// The object without a range: it is empty, or was so a moment ago.
    Whole,
    /// Only the head: nothing is missing.
    Head,
    /// Only the head: an existing file may be what is wanted.
    Comparison,
    /// The first byte, for the same purpose: the server of a URL may refuse a HEAD.
    ComparisonProbe,
    /// This byte, for the head of its reply: nothing is missing, and the server of a URL may refuse a HEAD.
    Probe(u64),
}

impl FirstRequest {
    /// Whether nothing is missing.
    fn brings_nothing(self) -> bool {
        use FirstRequest::{Comparison, ComparisonProbe, Head, Probe};
        matches!(self, Head | Probe(_) | Comparison | ComparisonProbe)
    }

    fn range(self) -> Option<(u64, Option<u64>)> {
        match self {
            FirstRequest::Part(first, last) => Some((first, Some(last))),
            FirstRequest::Stream(first, last) => Some((first, last)),
            FirstRequest::Probe(first) => Some((first, Some(first))),
            FirstRequest::ComparisonProbe => Some((0, Some(0))),
            FirstRequest::Whole | FirstRequest::Head | FirstRequest::Comparison => None,
        }
    }

    fn is_head(self) -> bool {
        matches!(self, FirstRequest::Head | FirstRequest::Comparison)
    }
}

/// The result of the first request.
pub(super) enum FirstAnswer {
    /// A successful status; its body, if there is one, waits.
    Head { head: ReplyHead, body_waits: bool },
    /// 304, 412 or 416: the meaning depends on the request.
    Refused(ServiceError),
}

impl Driver<'_> {
    /// Gets the first successful reply and prepares the file.
    pub fn open(&mut self) -> Result<()> {
        let mut request = self.choose_first_request();
        let mut last_flaw = None;
        loop {
            match self.send_first_request(request)? {
                FirstAnswer::Refused(refusal) => request = self.after_refusal(request, refusal)?,
                FirstAnswer::Head { head, body_waits } => {
                    match self.check_first_reply(request, &head) {
                        Ok(mut reply) => match self.next_first_request(request, &mut reply)? {
                            Some(next) => request = next,
                            None => {
                                self.note_link_works(None);
                                return self.prepare(head, reply, body_waits);
                            }
                        },
                        Err(Flaw::RangeIgnored) if self.found_shorter(request, &head)? => {
                            self.abort(FIRST, RequestEnd::Unusable);
                            request = self.choose_first_request();
                        }
                        Err(Flaw::RangeIgnored) if self.request.range.is_none() => {
                            self.earlier_run.recoverable = None;
                            self.single_stream = true;
                            request = FirstRequest::Whole;
                        }
                        Err(flaw) => {
                            self.abort(FIRST, RequestEnd::Unusable);
                            let mut failure = Failure::of(Cause::Reply, self.unusable(&flaw, None));
                            if flaw.is_by_design() && last_flaw.as_ref() == Some(&flaw) {
                                failure.retryability = Retryability::Never;
                            }
                            self.schedule_retry(FIRST, failure, false)?;
                            last_flaw = Some(flaw);
                        }
                    }
                    self.drain();
                }
            }
        }
    }

    /// First byte of the download, according to the request.
    fn start(&self) -> u64 {
        self.request.range.map_or(0, |range| u64::try_from(range.start).unwrap_or(0))
    }

    /// Last byte of the download, according to the request.
    fn last(&self) -> Option<u64> {
        self.request.range.and_then(|range| u64::try_from(range.end).ok())
    }

    fn choose_first_request(&self) -> FirstRequest {
        if self.single_stream {
            return self.stream();
        }
        let part = |first: u64, end: u64| {
            FirstRequest::Part(first, end.min(first.saturating_add(self.request.part_size)) - 1)
        };
        let end = self.last().map_or(u64::MAX, |last| last.saturating_add(1));
        let end = self.known_size.map_or(end, |size| end.min(size.max(self.start() + 1)));
        match &self.earlier_run.recoverable {
            None => part(self.start(), end),
            Some(recoverable) => match first_gap(&recoverable.extents, &recoverable.range) {
                Some(gap) => part(gap.start, gap.end),
                None if self.source.is_none() => FirstRequest::Head,
                // An empty object has no byte.
                None if recoverable.range.is_empty() => part(self.start(), end),
                None => FirstRequest::Probe(recoverable.range.start),
            },
        }
    }

    fn stream(&self) -> FirstRequest {
        match (self.start(), self.last()) {
            (0, None) => FirstRequest::Whole,
            (first, last) => {
                let end = self.known_size.filter(|size| *size > first);
                let within = |last: u64| end.map_or(last, |end| last.min(end - 1));
                FirstRequest::Stream(first, last.map(within))
            }
        }
    }

    /// Sends the request, with retries, until there is a reply.
    pub(super) fn send_first_request(&mut self, request: FirstRequest) -> Result<FirstAnswer> {
        loop {
            self.wait_for_slot(FIRST)?;
            match self.start_request(FIRST, |driver| driver.new_first_request(request))? {
                StartOutcome::Sent => {
                    if let Some(answer) = self.await_answer()? {
                        return Ok(answer);
                    }
                }
                StartOutcome::AwaitsCredentials => {
                    self.next_event(None)?;
                }
                StartOutcome::Delayed => {}
            }
        }
    }

    fn new_first_request(&self, request: FirstRequest) -> NewRequest {
        let recoverable = self.earlier_run.recoverable.as_ref();
        let pinned = recoverable.filter(|recoverable| recoverable.pinning == Pinning::IfMatch);
        let etag = pinned.and_then(|recoverable| recoverable.generation.etag.as_deref());
        let conditions = match (request, etag) {
            (FirstRequest::Head | FirstRequest::Probe(_), Some(etag))
                if !self.request.has_conditions() =>
            {
                Conditions::Pinned { etag }
            }
            _ => Conditions::User,
        };
        let span = match request {
            FirstRequest::Part(first, last) => first..last.saturating_add(1),
            FirstRequest::Stream(first, last) => {
                first..last.map_or(UNKNOWN, |last| last.saturating_add(1))
            }
            FirstRequest::Whole => 0..UNKNOWN,
            FirstRequest::Head | FirstRequest::Comparison => 0..0,
            FirstRequest::Probe(first) => first..first.saturating_add(1),
            FirstRequest::ComparisonProbe => 0..1,
        };
        NewRequest {
            head: request.is_head(),
            address: None,
            composed: compose(self.request, request.range(), conditions),
            stage: if request.brings_nothing() {
                ReplyStage::NotObject
            } else {
                ReplyStage::FirstReply
            },
            span: Arc::new(Span::new(span)),
            destination: None,
        }
    }

    /// The reply to the request in flight; `None` if it has to be sent again.
    fn await_answer(&mut self) -> Result<Option<FirstAnswer>> {
        loop {
            match self.next_event(None)? {
                Some(Event::FirstReply { fetch, head }) if self.slots[FIRST].carries(fetch) => {
                    return Ok(Some(FirstAnswer::Head { head, body_waits: true }));
                }
                Some(Event::Ended(end)) if self.slots[FIRST].carries(end.fetch) => {
                    self.note_in_flight();
                    let Some((_, in_flight)) = self.release_slot(&end) else { continue };
                    self.count_active();
                    self.note_qos_delay(&end.head, self.now());
                    return match end.ending {
                        EndReason::Complete => {
                            self.throttle_back_off.accepted(in_flight.started);
                            Ok(Some(FirstAnswer::Head { head: end.head, body_waits: false }))
                        }
                        // The server sent more than the byte that was asked for.
                        EndReason::Refused if matches!(end.head.status, 200 | 206) => {
                            Ok(Some(FirstAnswer::Head { head: end.head, body_waits: false }))
                        }
                        EndReason::Refused if matches!(end.head.status, 304 | 412 | 416) => {
                            let refusal = service_error::parse(&end.head, &end.body);
                            Ok(Some(FirstAnswer::Refused(refusal)))
                        }
                        _ => match self.handle_failure(FIRST, &in_flight, *end)? {
                            AfterFailure::Retry => Ok(None),
                            AfterFailure::ObjectChanged(why) => Err(Error::internal(why)),
                        },
                    };
                }
                Some(Event::Fault(error)) => return Err(error),
                Some(_) | None => {}
            }
        }
    }

    /// The next request after a refusal that may be caused by the range or the record, or else the error.
    fn after_refusal(
        &mut self,
        request: FirstRequest,
        refusal: ServiceError,
    ) -> Result<FirstRequest> {
        let range = request.range().map(|(first, last)| (first, last.unwrap_or(u64::MAX)));
        match (refusal.status, request) {
            // An empty object has no byte 0. The whole one would also bring the recorded bytes.
            (416, FirstRequest::Part(0, _) | FirstRequest::Stream(0, _))
                if self.last().is_none() && self.earlier_run.recoverable.is_none() =>
            {
                Ok(FirstRequest::Whole)
            }
            // Was the object replaced, or does the service not recognise its own ETag?
            (412, FirstRequest::Head | FirstRequest::Probe(_))
                if !self.request.has_conditions() && self.earlier_run.stop_if_match() =>
            {
                Ok(request)
            }
            // The object has become shorter or was replaced since the record was made.
            (416, _) if self.earlier_run.recoverable.is_some() => {
                self.log(LogLevel::Info, || "the object has changed; starting over".to_owned());
                self.earlier_run.recoverable = None;
                Ok(self.choose_first_request())
            }
            _ => Err(self.refusal_error(refusal, range)),
        }
    }

    fn check_first_reply(
        &self,
        request: FirstRequest,
        head: &ReplyHead,
    ) -> std::result::Result<FirstReply, Flaw> {
        if request.brings_nothing() {
            let check = match request {
                FirstRequest::Head => reply_check::head_reply,
                _ => reply_check::probe_reply,
            };
            let generation = check(head)?;
            return Ok(FirstReply { body: 0..0, ranges_ignored: false, generation });
        }
        let asked = request.range().map(|(first, last)| (first, last.unwrap_or(u64::MAX - 1)));
        if self.source.is_some() {
            return self.check_url_reply(head, asked);
        }
        if self.request.is_processed() {
            return reply_check::processed_reply(head);
        }
        reply_check::first_reply(head, asked)
    }

    fn check_url_reply(
        &self,
        head: &ReplyHead,
        asked: Option<(u64, u64)>,
    ) -> std::result::Result<FirstReply, Flaw> {
        let mut reply = reply_check::first_url_reply(head, asked)?;
        if self.request.is_processed() {
            // It is that of the stored object.
            reply.generation.crc64 = None;
        }
        if reply.generation.size == UNKNOWN && self.request.range.is_some() {
            return Err(Flaw::Incomplete(
                "the reply does not contain the size of the object, of which a range is wanted"
                    .to_owned(),
            ));
        }
        Ok(reply)
    }

    /// Whether the whole object came because the range of a request for a URL ends beyond it, as OSS does without
    /// `x-oss-range-behavior`; it is asked for anew, within its size, a few times. An error if the range begins beyond it.
    fn found_shorter(&mut self, request: FirstRequest, head: &ReplyHead) -> Result<bool> {
        let size = head.content_length().ok().flatten().filter(|_| self.source.is_some());
        let (Some(size), Some((first, last))) = (size, request.range()) else { return Ok(false) };
        if first < size && last.is_none_or(|last| last < size) {
            return Ok(false);
        }
        self.resolve(&Generation { size, ..Generation::default() })?;
        if self.found_shorter == MOST_SHORTER {
            return Ok(false);
        }
        self.found_shorter += 1;
        self.known_size = Some(size);
        self.earlier_run.recoverable = None;
        Ok(true)
    }

    /// Whether the reply requires another request instead of using its body.
    fn next_first_request(
        &mut self,
        request: FirstRequest,
        reply: &mut FirstReply,
    ) -> Result<Option<FirstRequest>> {
        if let Some(recoverable) = &self.earlier_run.recoverable {
            match self.continued(recoverable, &reply.generation) {
                Some(generation) => reply.generation = generation,
                None => {
                    self.log(LogLevel::Info, || {
                        "the object has changed since the earlier run, or cannot be compared; starting over"
                            .to_owned()
                    });
                    let start = self.start();
                    let sent_from_start =
                        matches!(request, FirstRequest::Part(first, _) if first == start);
                    self.earlier_run.recoverable = None;
                    if !sent_from_start {
                        return Ok(Some(self.choose_first_request()));
                    }
                }
            }
        }
        if reply.ranges_ignored {
            // The stream delivers every byte again.
            self.single_stream = true;
            self.earlier_run.recoverable = None;
        }
        if self.pinning_of(&reply.generation).is_none() {
            // Nothing can be pinned, so bytes of a second reply must not be combined with those of the first.
            self.single_stream = true;
            let range = self.resolve(&reply.generation)?;
            if matches!(request, FirstRequest::Part(..)) && reply.body.end < range.end {
                self.known_size = self.source.as_ref().map(|_| reply.generation.size);
                return Ok(Some(self.stream()));
            }
        }
        Ok(None)
    }

    /// The wanted bytes of an object of `size` bytes; inverted if it has none of them.
    pub fn wanted(&self, size: u64) -> Range<u64> {
        self.start()..self.last().map_or(size, |last| size.min(last.saturating_add(1)))
    }

    /// The bytes to download of this generation.
    pub fn resolve(&self, generation: &Generation) -> Result<Range<u64>> {
        let Range { start, end } = self.wanted(generation.size);
        // An empty object has the empty range from byte 0 to its end, and no other byte.
        let empty_is_fine = start == 0 && self.last().is_none();
        if start > end || (start == end && !empty_is_fine) {
            return Err(Error::new(
                ErrorKind::Service,
                "InvalidRange",
                format!(
                    "the range starts at byte {start}, but {} has {} bytes",
                    self.object(),
                    generation.size
                ),
            )
            .with_status(416));
        }
        Ok(start..end)
    }
}

fn first_gap(extents: &[Extent], range: &Range<u64>) -> Option<Range<u64>> {
    let held = extents.iter().map(|extent| extent.offset..extent.end());
    crate::transfer::policy::plan::subtract([range.clone()], held).into_iter().next()
}
