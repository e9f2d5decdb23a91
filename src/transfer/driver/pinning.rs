//! Pins the bytes of several replies to one generation: with `If-Match` if the service recognises its own ETag, or else
//! by comparing the replies and finally the object's CRC-64.

use std::sync::Arc;

use crate::model::error::{Error, ErrorKind, Result};
use crate::model::options::LogLevel;
use crate::model::pinning::Pinning;
use crate::model::request::MAX_PART_SIZE;
use crate::oss::service_error::ServiceError;
use crate::transfer::policy::pinning;
use crate::transfer::policy::reply_check::{self, Generation};

use super::Driver;
use super::failure::AfterFailure;
use super::in_flight::{InFlight, Slot};
use super::recovery::{EarlierRun, Recoverable};

impl Driver<'_> {
    /// Whether completion compares the file with the CRC-64 of `generation`.
    pub(super) fn is_proven_by_crc(&self, generation: &Generation) -> bool {
        self.options.verify_crc
            && generation.crc64.is_some()
            && self.wanted(generation.size) == (0..generation.size)
    }

    /// Whether completion compares the file with the CRC-64 of `generation`, or with a digest that the caller expects:
    /// bytes of two generations would be found.
    fn is_proven(&self, generation: &Generation) -> bool {
        self.expects_digest() || self.is_proven_by_crc(generation)
    }

    /// How later replies can be pinned to the generation of a first reply; `None` if they cannot.
    pub(super) fn pinning_of(&self, generation: &Generation) -> Option<Pinning> {
        let recorded = self.earlier_run.recoverable.as_ref().map(|recoverable| recoverable.pinning);
        pinning::choose(generation, self.is_proven(generation), recorded)
    }

    /// The generation to download after a first reply of `seen`, if the bytes of an earlier run can be of it too.
    pub(super) fn continued(
        &self,
        recoverable: &Recoverable,
        seen: &Generation,
    ) -> Option<Generation> {
        let recorded = &recoverable.generation;
        reply_check::continues(seen, recorded, recoverable.pinning).ok()?;
        let mut generation = seen.clone();
        if seen.size == recorded.size {
            // A reply without the checksum does not invalidate the recorded one.
            generation.crc64 = seen.crc64.or(recorded.crc64);
        }
        let needs_crc = recoverable.needs_object_crc || recoverable.pinning.needs_object_crc();
        let usable = self.is_proven(&generation) || !needs_crc;
        (usable && self.pinning_of(&generation).is_some()).then_some(generation)
    }

    /// The service answered 412 to a later request: the object was replaced, or the service does not recognise its own
    /// ETag. The next reply shows which, if it can be pinned to the generation without `If-Match`; otherwise a clean
    /// start does.
    pub(super) fn after_failed_condition(
        &mut self,
        in_flight: &InFlight,
        refusal: ServiceError,
        range: Option<(u64, u64)>,
    ) -> Result<AfterFailure> {
        if in_flight.pinning != Some(Pinning::IfMatch) {
            // No condition was sent that could have failed.
            return Err(self.refusal_error(refusal, range));
        }
        let Some(transfer) = &self.transfer else { return Ok(AfterFailure::Retry) };
        if transfer.pinning != Pinning::IfMatch {
            // It was sent before another one was refused.
            return Ok(AfterFailure::Retry);
        }
        let generation = transfer.generation.clone();
        if self.is_proven(&generation) {
            self.stop_if_match()?;
            return Ok(AfterFailure::Retry);
        }
        let is_same_again = |before: &Arc<Generation>| {
            // Several requests of this start may be refused.
            !Arc::ptr_eq(before, &generation)
                && reply_check::continues(&generation, before, Pinning::Comparison).is_ok()
        };
        if self.refused_generation.as_ref().is_some_and(is_same_again) {
            return Err(self.unusable_etag(refusal, &generation));
        }
        self.refused_generation = Some(generation);
        Ok(AfterFailure::ObjectChanged("the service answered 412".to_owned()))
    }

    fn stop_if_match(&mut self) -> Result<()> {
        self.log(LogLevel::Warn, || {
            "the service answered 412 to If-Match; going on without it and comparing the replies"
                .to_owned()
        });
        self.shared.counters.retries_reply.add(1);
        let Some(transfer) = &mut self.transfer else { return Ok(()) };
        transfer.pinning = Pinning::Comparison;
        transfer.unconfirmed = true;
        let unrecorded = transfer.stored.set_pinning(Pinning::Comparison)?;
        self.log_unrecorded(unrecorded);
        Ok(())
    }

    /// How many more requests may start while it is unknown whether the object was replaced: one suffices to find out.
    pub(super) fn free_until_confirmed(&mut self) -> usize {
        let requests: Vec<_> = self.slots.iter().filter_map(Slot::compared).collect();
        let confirmed = requests.iter().any(|in_flight| in_flight.brings_bytes());
        let Some(transfer) = &mut self.transfer else { return usize::MAX };
        transfer.unconfirmed &= !confirmed;
        match (transfer.unconfirmed, requests.is_empty()) {
            (false, _) => usize::MAX,
            (true, true) => 1,
            (true, false) => 0,
        }
    }

    /// Handles the end of a request without `If-Match`; it delivered bytes only if its reply was of the same
    /// generation.
    pub(super) fn note_confirmation(&mut self, in_flight: &InFlight) {
        if in_flight.pinning == Some(Pinning::Comparison)
            && in_flight.brings_bytes()
            && let Some(transfer) = &mut self.transfer
        {
            transfer.unconfirmed = false;
        }
    }

    /// The addition to the error of a changed object if bytes may just have been appended to it.
    pub(super) fn growth_advice(&self) -> &'static str {
        match &self.transfer {
            Some(transfer) if transfer.generation.appendable => {
                "; it is an Appendable object: while it grows it can be downloaded only whole, with its CRC-64 sent \
                 by the service and compared (verify_crc), or with an expected digest (expected_sha256)"
            }
            _ => "",
        }
    }

    /// The error for a service that refuses its own ETag if replies cannot be pinned in another way.
    fn unusable_etag(&self, refusal: ServiceError, generation: &Generation) -> Error {
        let wanted = self.wanted(generation.size);
        let bytes = wanted.end - wanted.start;
        let etag = generation.etag.as_deref().unwrap_or_default();
        let (why, switch) = if wanted != (0..generation.size) {
            ("that proves nothing about a part of the object", "")
        } else if generation.crc64.is_none() {
            ("the service does not send it", "")
        } else {
            ("comparing it is switched off", ", switch that on (verify_crc)")
        };
        let part_size = if bytes <= MAX_PART_SIZE {
            format!(", or set part_size to at least {bytes} so that one reply brings every byte")
        } else {
            String::new()
        };
        let origin = match self.source {
            None => "the bucket's own endpoint",
            Some(_) => "a URL of the server itself",
        };
        let message = format!(
            "cannot download {}: HTTP 412, the service refuses the ETag \"{etag}\" in If-Match although it sends that \
             ETag itself and the object has not changed. A CDN or a proxy that changes ETags does that. Without \
             If-Match only the object's CRC-64 can prove that the bytes of several replies belong together, and {why}. \
             Use {origin}{switch}, or set the digest that the file must have (expected_sha256){part_size}.",
            self.object()
        );
        Error::new(ErrorKind::Service, refusal.code, message)
            .with_status(i64::from(refusal.status))
            .with_ids(refusal.request_id, refusal.host_id, refusal.ec)
    }
}

impl EarlierRun {
    /// From now on requests are sent without `If-Match` of the recorded generation; `false` if they already are.
    pub fn stop_if_match(&mut self) -> bool {
        let recoverable = self.recoverable.as_mut();
        let pinned = recoverable.filter(|recoverable| recoverable.pinning == Pinning::IfMatch);
        pinned.map(|recoverable| recoverable.pinning = Pinning::Comparison).is_some()
    }
}

impl Slot {
    /// Its request, if the reply is pinned by comparison alone.
    fn compared(&self) -> Option<&InFlight> {
        self.in_flight.as_ref().filter(|f| f.pinning == Some(Pinning::Comparison))
    }
}
