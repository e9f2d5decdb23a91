//! The first request, whose reply fixes the generation, and everything that is decided by it.

use std::ops::Range;
use std::sync::Arc;

use crate::checkpoint::format::Header;
use crate::checkpoint::journal::Taken;
use crate::model::error::{Error, ErrorKind, Result};
use crate::model::extent::{Extent, grain};
use crate::model::options::LogLevel;
use crate::oss::get_object::{Conditions, compose};
use crate::oss::reply::ReplyHead;
use crate::oss::service_error::{self, ServiceError};
use crate::storage::temp_file::TempFile;
use crate::sync::channel::Sender;
use crate::transfer::disk::Outlet;
use crate::transfer::event::{Ending, Event};
use crate::transfer::fetch::Gate;
use crate::transfer::retry::{Cause, Failure};
use crate::transfer::span::Span;
use crate::transfer::vet::{self, Flaw, Generation, Opening};

use super::Driver;
use super::launch::{Launch, Launched};
use super::ledger::{Ledger, Record};
use super::proof::Prover;
use super::setback::Setback;
use super::takeover::{Found, Remains};

/// The metadata by which OSS's SDKs mark an object that a client encrypted.
const ENCRYPTION_MARKS: [&str; 2] =
    ["x-oss-meta-client-side-encryption-key", "x-oss-meta-x-oss-client-side-encryption-key"];
/// The slot of the first request.
const FIRST: usize = 0;

/// Everything that is known once the first good reply came.
pub struct Opened {
    pub generation: Arc<Generation>,
    pub ledger: Ledger,
    pub head: ReplyHead,
    pub grain: u64,
    /// Whether the proof of an earlier run's bytes is still going on.
    pub proving: bool,
}

impl Opened {
    /// Where a fetch's bytes go.
    pub fn outlet(&self, events: &Sender<Event>) -> Arc<Outlet> {
        Arc::new(Outlet::new(self.ledger.file().clone(), self.ledger.range().start, events.clone()))
    }
}

/// What the first request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ask {
    /// These bytes, first and last: the first missing part.
    Part(u64, u64),
    /// Everything from here to the last wanted byte: the object cannot be asked for in parts.
    Stream(u64, Option<u64>),
    /// The object without a range: it is empty, or was a moment ago.
    Whole,
    /// Only the head: nothing is missing.
    Describe,
}

impl Ask {
    fn range(self) -> Option<(u64, Option<u64>)> {
        match self {
            Ask::Part(first, last) => Some((first, Some(last))),
            Ask::Stream(first, last) => Some((first, last)),
            Ask::Whole | Ask::Describe => None,
        }
    }
}

/// What came back.
enum Answer {
    /// A good status; its body waits unless there is none.
    Head { head: ReplyHead, body_waits: bool },
    /// 304, 412 or 416: what it means depends on what was asked.
    Refused(ServiceError),
}

impl Driver {
    /// Gets the first good reply and prepares the file.
    pub fn open(&mut self) -> Result<()> {
        let mut ask = self.first_ask();
        loop {
            match self.ask(ask)? {
                Answer::Refused(refusal) => ask = self.after_refusal(ask, refusal)?,
                Answer::Head { head, body_waits } => {
                    match self.judge(ask, &head) {
                        Ok(opening) => match self.next_ask(ask, &opening)? {
                            Some(next) => ask = next,
                            None => return self.prepare(head, opening, body_waits),
                        },
                        Err(Flaw::RangeIgnored) if self.request.range.is_none() => {
                            self.found.remains = None;
                            self.single_stream = true;
                            ask = Ask::Whole;
                        }
                        Err(flaw) => {
                            let error = self.unusable(&flaw, None);
                            self.set_back(FIRST, Failure::of(Cause::Reply, error), false)?;
                        }
                    }
                    self.land_all();
                }
            }
        }
    }

    /// First byte of the download, as the user asked for it.
    fn start(&self) -> u64 {
        self.request.range.map_or(0, |range| u64::try_from(range.start).unwrap_or(0))
    }

    /// Last byte of the download, as the user asked for it.
    fn last(&self) -> Option<u64> {
        self.request.range.and_then(|range| u64::try_from(range.end).ok())
    }

    fn first_ask(&self) -> Ask {
        if self.single_stream {
            return self.stream();
        }
        let part = |first: u64, end: u64| {
            Ask::Part(first, end.min(first.saturating_add(self.request.part_size)) - 1)
        };
        let end = self.last().map_or(u64::MAX, |last| last.saturating_add(1));
        match &self.found.remains {
            None => part(self.start(), end),
            Some(remains) => match first_gap(&remains.extents, &remains.range) {
                Some(gap) => part(gap.start, gap.end),
                None => Ask::Describe,
            },
        }
    }

    fn stream(&self) -> Ask {
        match (self.start(), self.last()) {
            (0, None) => Ask::Whole,
            (first, last) => Ask::Stream(first, last),
        }
    }

    /// Sends the request, again if need be, until there is an answer.
    fn ask(&mut self, ask: Ask) -> Result<Answer> {
        loop {
            self.wait_for_slot(FIRST)?;
            match self.launch(FIRST, |driver| driver.opening_launch(ask))? {
                Launched::Sent => {
                    if let Some(answer) = self.await_answer()? {
                        return Ok(answer);
                    }
                }
                Launched::AwaitsCredentials => {
                    self.next_event(None)?;
                }
                Launched::SetBack => {}
            }
        }
    }

    fn opening_launch(&self, ask: Ask) -> Launch {
        let etag = self.found.remains.as_ref().and_then(|r| r.generation.etag.as_deref());
        let conditions = match (ask, etag) {
            (Ask::Describe, Some(etag)) if !self.request.has_conditions() => {
                Conditions::Pinned { etag }
            }
            _ => Conditions::User,
        };
        let span = match ask {
            Ask::Part(first, last) => first..last.saturating_add(1),
            Ask::Stream(first, last) => first..last.map_or(u64::MAX, |last| last.saturating_add(1)),
            Ask::Whole => 0..u64::MAX,
            Ask::Describe => 0..0,
        };
        Launch {
            head: ask == Ask::Describe,
            composed: compose(&self.request, ask.range(), conditions),
            gate: if ask == Ask::Describe { Gate::Closed } else { Gate::Opening },
            span: Arc::new(Span::new(span)),
            stores: false,
        }
    }

    /// The answer to the request in flight; none when it has to be sent again.
    fn await_answer(&mut self) -> Result<Option<Answer>> {
        loop {
            match self.next_event(None)? {
                Some(Event::Opened { fetch, head }) if self.slots[FIRST].carries(fetch) => {
                    return Ok(Some(Answer::Head { head, body_waits: true }));
                }
                Some(Event::Ended(end)) if self.slots[FIRST].carries(end.fetch) => {
                    let Some(flight) = self.slots[FIRST].flight.take() else { continue };
                    self.count_active();
                    return match end.ending {
                        Ending::Complete => {
                            Ok(Some(Answer::Head { head: end.head, body_waits: false }))
                        }
                        Ending::Refused if matches!(end.head.status, 304 | 412 | 416) => {
                            let refusal = service_error::parse(&end.head, &end.body);
                            Ok(Some(Answer::Refused(refusal)))
                        }
                        _ => match self.weigh(FIRST, &flight, *end)? {
                            Setback::Again => Ok(None),
                            Setback::Changed(why) => Err(Error::internal(why)),
                        },
                    };
                }
                Some(Event::Fault(error)) => return Err(error),
                Some(_) | None => {}
            }
        }
    }

    /// The next request after a refusal that may be about the range or the record, else the error.
    fn after_refusal(&mut self, ask: Ask, refusal: ServiceError) -> Result<Ask> {
        let range = ask.range().map(|(first, last)| (first, last.unwrap_or(u64::MAX)));
        match (refusal.status, ask) {
            // An empty object has no byte 0.
            (416, Ask::Part(0, _) | Ask::Stream(0, _)) if self.last().is_none() => Ok(Ask::Whole),
            // The object has shrunk, or was replaced, since the record was made.
            (416, _) | (412, Ask::Describe)
                if self.found.remains.is_some()
                    && (refusal.status == 416 || !self.request.has_conditions()) =>
            {
                self.log(LogLevel::Info, || "the object has changed; starting over".to_owned());
                self.found.remains = None;
                Ok(self.first_ask())
            }
            _ => Err(self.refusal_error(refusal, range)),
        }
    }

    fn judge(&self, ask: Ask, head: &ReplyHead) -> std::result::Result<Opening, Flaw> {
        if ask == Ask::Describe {
            let generation = vet::described(head)?;
            return Ok(Opening { body: 0..0, ranges_ignored: false, generation });
        }
        let asked = ask.range().map(|(first, last)| (first, last.unwrap_or(u64::MAX - 1)));
        vet::opening(head, asked)
    }

    /// Whether the reply calls for another request instead of this one's body.
    fn next_ask(&mut self, ask: Ask, opening: &Opening) -> Result<Option<Ask>> {
        let start = self.start();
        if let Some(remains) = &self.found.remains
            && !remains.fits(&opening.generation)
        {
            self.log(LogLevel::Info, || {
                "the object has changed since the earlier run, or cannot be pinned; starting over"
                    .to_owned()
            });
            let sent_from_start = matches!(ask, Ask::Part(first, _) if first == start);
            self.found.remains = None;
            if !sent_from_start {
                return Ok(Some(self.first_ask()));
            }
        }
        if opening.ranges_ignored {
            // The stream brings every byte again.
            self.single_stream = true;
            self.found.remains = None;
        }
        if opening.generation.etag.is_none() {
            // Nothing can be pinned, so no second request may add to the first one's bytes.
            self.single_stream = true;
            let range = self.resolve(&opening.generation)?;
            if matches!(ask, Ask::Part(..)) && opening.body.end < range.end {
                return Ok(Some(self.stream()));
            }
        }
        Ok(None)
    }

    /// The bytes that are wanted of an object of `size` bytes; inverted when it has none of them.
    pub fn wanted(&self, size: u64) -> Range<u64> {
        self.start()..self.last().map_or(size, |last| size.min(last.saturating_add(1)))
    }

    /// The bytes to download of this generation.
    fn resolve(&self, generation: &Generation) -> Result<Range<u64>> {
        let Range { start, end } = self.wanted(generation.size);
        // From byte 0 to the end of nothing is nothing; any other byte of it does not exist.
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

    /// Makes or takes over the file and the journal, and lets the body flow.
    fn prepare(&mut self, head: ReplyHead, mut opening: Opening, body_waits: bool) -> Result<()> {
        self.refuse_encrypted(&head)?;
        // A reply without the checksum does not take back the one that was recorded.
        let recorded = self.found.remains.as_ref().and_then(|r| r.generation.crc64);
        opening.generation.crc64 = opening.generation.crc64.or(recorded);
        let range = self.resolve(&opening.generation)?;
        let mut found = std::mem::take(&mut self.found);
        if found.remains.as_ref().is_none_or(|remains| remains.extents.is_empty()) {
            // The file is about to be emptied.
            found.remove_sdk_record()?;
        }
        let file = match found.temp.take() {
            Some(file) if found.is_ours => file,
            Some(left) => {
                let left = Arc::into_inner(left)
                    .ok_or_else(|| Error::internal("an earlier run's file is in use already"))?;
                Arc::new(self.place.claim(left)?)
            }
            None => Arc::new(self.place.create_temp()?),
        };
        // Until its record is replaced, what an earlier run left is good for a later one, if that can find it.
        let is_ours = found.remains.is_none() || !file.is_locked();
        self.found = Found { temp: Some(file.clone()), is_ours, ..Found::default() };
        let opened = self.lay_out(found, file, head, opening.generation, &range)?;
        self.found = Found::default();
        self.shared.set_total(Some(range.end - range.start));
        self.opened = Some(opened);
        if body_waits {
            if let Some(flight) = &self.slots[FIRST].flight {
                flight.span.extend(opening.body.end.min(range.end));
                flight.span.shorten(opening.body.end.min(range.end));
            }
            self.proceed(FIRST);
        }
        self.log(LogLevel::Info, || format!("downloading bytes {}-{}", range.start, range.end));
        Ok(())
    }

    fn lay_out(
        &mut self,
        mut found: Found,
        file: Arc<TempFile>,
        head: ReplyHead,
        generation: Generation,
        range: &Range<u64>,
    ) -> Result<Opened> {
        let len = range.end - range.start;
        let vouched = found.remains.as_ref().is_none_or(|remains| !remains.needs_object_crc);
        let unproven = found.remains.take().map(|remains| remains.extents).unwrap_or_default();
        if unproven.is_empty() {
            file.clear()?;
        }
        if self.request.check_space {
            file.check_space(len)?;
        }
        if self.request.preallocate {
            file.preallocate(len)?;
        }
        let pinned = generation.etag.clone().filter(|_| !self.single_stream);
        let record = match (found.journal_place.take(), pinned) {
            (Some(place), Some(etag)) => {
                let header = self.header(etag, &generation, range, &file);
                Some(Record::start(place, header, found.taken.take(), &unproven, vouched)?)
            }
            _ => {
                // This run cannot be gone on from, and has emptied the file an earlier record speaks of.
                found.taken.take().map_or(Ok(()), Taken::discard)?;
                None
            }
        };
        found.remove_sdk_record()?;
        let proving = !unproven.is_empty();
        if proving {
            let held: u64 = unproven.iter().map(|extent| extent.len).sum();
            self.shared.counters.bytes_done.add(held);
            self.prover = Some(Prover::start(
                file.clone(),
                range.start,
                unproven.clone(),
                self.shared.events().clone(),
            )?);
        }
        Ok(Opened {
            generation: Arc::new(generation),
            ledger: Ledger::new(range.clone(), self.request.part_size, file, record, unproven),
            head,
            grain: grain(self.request.part_size, len),
            proving,
        })
    }

    fn header(
        &self,
        etag: String,
        generation: &Generation,
        range: &Range<u64>,
        file: &TempFile,
    ) -> Header {
        Header {
            bucket: self.request.bucket.clone(),
            key: self.request.key.clone(),
            version_id: self.request.version_id.clone(),
            etag,
            object_size: generation.size,
            object_crc64: generation.crc64,
            last_modified: generation.last_modified.clone(),
            object_version_id: generation.version_id.clone(),
            requested: self.request.range,
            range: range.clone(),
            destination: self.place.target.clone(),
            temp_name: file.path().file_name().unwrap_or_default().to_owned(),
        }
    }

    fn refuse_encrypted(&self, head: &ReplyHead) -> Result<()> {
        let encrypted = ENCRYPTION_MARKS.iter().any(|mark| head.get(mark).is_some());
        if !encrypted || self.request.allow_encrypted {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Validation,
            "ClientSideEncrypted",
            format!(
                "{} was encrypted by the client that uploaded it, and this library does not decrypt; download it with the SDK's encryption client, or set allow_encrypted to save it as it is stored",
                self.object()
            ),
        ))
    }
}

impl Remains {
    /// Whether the bytes can be of `generation`.
    fn fits(&self, generation: &Generation) -> bool {
        let vouched = !self.needs_object_crc || generation.crc64.is_some();
        let pinned = generation.etag.is_some();
        vouched && pinned && vet::same_generation(generation, &self.generation).is_ok()
    }
}

fn first_gap(extents: &[Extent], range: &Range<u64>) -> Option<Range<u64>> {
    let held = extents.iter().map(|extent| extent.offset..extent.end());
    crate::transfer::plan::subtract([range.clone()], held).into_iter().next()
}
