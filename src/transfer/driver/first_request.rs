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
}

impl FirstRequest {
    fn range(self) -> Option<(u64, Option<u64>)> {
        match self {
            FirstRequest::Part(first, last) => Some((first, Some(last))),
            FirstRequest::Stream(first, last) => Some((first, last)),
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
                            None => return self.prepare(head, reply, body_waits),
                        },
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
        match &self.earlier_run.recoverable {
            None => part(self.start(), end),
            Some(recoverable) => match first_gap(&recoverable.extents, &recoverable.range) {
                Some(gap) => part(gap.start, gap.end),
                None => FirstRequest::Head,
            },
        }
    }

    fn stream(&self) -> FirstRequest {
        match (self.start(), self.last()) {
            (0, None) => FirstRequest::Whole,
            (first, last) => FirstRequest::Stream(first, last),
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
            (FirstRequest::Head, Some(etag)) if !self.request.has_conditions() => {
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
        };
        NewRequest {
            head: request.is_head(),
            composed: compose(self.request, request.range(), conditions),
            stage: if request.is_head() { ReplyStage::NotObject } else { ReplyStage::FirstReply },
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
            (412, FirstRequest::Head)
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
        if request == FirstRequest::Head {
            let generation = reply_check::head_reply(head)?;
            return Ok(FirstReply { body: 0..0, ranges_ignored: false, generation });
        }
        if self.request.is_processed() {
            return reply_check::processed_reply(head);
        }
        let asked = request.range().map(|(first, last)| (first, last.unwrap_or(u64::MAX - 1)));
        reply_check::first_reply(head, asked)
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
