//! Whether the existing file is what the request wants, so that nothing has to be fetched.

use crate::model::error::{Error, ErrorKind, Result};
use crate::model::extent::Extent;
use crate::model::options::LogLevel;
use crate::model::outcome::{FileContent, Outcome, Phase, Proof};
use crate::model::request::Overwrite;
use crate::oss::reply::ReplyHead;
use crate::storage::aligned::AlignedBuffer;
use crate::storage::existing_file::FileVersion;
use crate::transfer::policy::reply_check::{self, Generation};
use crate::transfer::world::{Hashed, READ_SIZE, TargetFile};

use super::Driver;
use super::first_request::{FirstAnswer, FirstRequest};

impl Driver<'_> {
    /// The outcome if the file at the target's path is what the request wants. A file that cannot be used is no error: it
    /// will be replaced.
    pub fn existing_file(&mut self) -> Result<Option<Outcome>> {
        let Some(head) = self.head_of_object()? else { return Ok(None) };
        let check = match self.source {
            None => reply_check::head_reply,
            Some(_) => reply_check::probe_reply,
        };
        let generation = match check(&head) {
            Ok(generation) => generation,
            Err(flaw) => {
                self.log(LogLevel::Info, || format!("the existing file is not compared: {flaw:?}"));
                return Ok(None);
            }
        };
        self.leave_share();
        self.shared.set_phase(Phase::Transferring);
        let compared = self.compare(&head, &generation);
        self.shared.set_phase(Phase::Starting);
        // Nothing was expected from the service meanwhile.
        self.stall_clock.restart(self.now());
        match compared {
            Ok(Some(crc64)) => self.accept(head, generation, crc64).map(Some),
            Ok(None) => {
                self.log(LogLevel::Info, || "the existing file is another one".to_owned());
                self.forget_comparison();
                Ok(None)
            }
            Err(error) if error.kind() == ErrorKind::Io => {
                self.log(LogLevel::Warn, || format!("the existing file is not used: {error}"));
                self.forget_comparison();
                Ok(None)
            }
            Err(error) => {
                self.forget_comparison();
                Err(error)
            }
        }
    }

    /// The file at the target's path, if the request may want to compare one.
    pub fn target_to_compare(&self) -> Option<FileVersion> {
        let compares =
            self.request.waits_if_busy() || self.request.overwrite == Overwrite::IfDifferent;
        compares.then(|| self.world.storage.target_version()).flatten()
    }

    /// Whether the file `found` at the target's path is to be compared. With [`WhenBusy::Wait`](crate::WhenBusy::Wait)
    /// also a file that has come since the download was started: another run may have finished it.
    pub fn may_be_wanted(&self, found: Option<FileVersion>) -> bool {
        let request = self.request;
        let wanted = match request.overwrite {
            Overwrite::IfDifferent => true,
            Overwrite::Replace => {
                request.waits_if_busy() && found != self.world.storage.first_target_version()
            }
            Overwrite::Fail => false,
        };
        // A checksum is that of the whole object as it is stored.
        wanted
            && found.is_some()
            && found != self.rejected
            && request.range.is_none()
            && !request.is_processed()
    }

    /// The head of the object; `None` if the service does not send it. A GET will show why, with the service's own
    /// words, or succeed where HEAD is not allowed.
    fn head_of_object(&mut self) -> Result<Option<ReplyHead>> {
        let request = match self.source {
            None => FirstRequest::Comparison,
            Some(_) => FirstRequest::ComparisonProbe,
        };
        match self.send_first_request(request) {
            Ok(FirstAnswer::Head { head, .. }) => Ok(Some(head)),
            Ok(FirstAnswer::Refused(refusal)) if refusal.status == 416 => Ok(None),
            Ok(FirstAnswer::Refused(refusal)) => Err(self.refusal_error(refusal, None)),
            Err(error)
                if matches!(error.status(), 403 | 404 | 405 | 501)
                    && self.throttle_back_off.until(self.now()).is_none() =>
            {
                self.log(LogLevel::Info, || format!("the existing file is not compared: {error}"));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Decides whether the existing file is what the request wants: the one place that does. It has every digest that
    /// the caller expects, and the object's CRC-64 if the service states that; with neither of them it is not known.
    /// Returns the CRC-64 of its bytes as the service stores them if it is.
    fn compare(&mut self, head: &ReplyHead, generation: &Generation) -> Result<Option<u64>> {
        let Some(file) = self.world.storage.open_target()? else { return Ok(None) };
        let opened = file.version()?;
        let expected = self.request.expected_digests();
        let is_known = generation.crc64.is_some() || !expected.is_empty();
        if !is_known || opened.size != generation.size {
            return Ok(None);
        }
        let content_key = self.content_key(head)?;
        if self.request.flush {
            file.flush()?;
        }
        self.shared.set_total(Some(generation.size));
        let mut buffer = AlignedBuffer::zeroed(READ_SIZE);
        let mut between = |read: u64| {
            let counted = self.shared.counters.bytes_done.get();
            self.shared.counters.bytes_done.add(read.saturating_sub(counted));
            self.sit_out_pause()
        };
        let (key, algorithms) = (content_key.as_deref(), expected.algorithms());
        let hashed =
            file.hash(generation.size, key, algorithms, &mut between, buffer.bytes_mut())?;
        let Some(Hashed { stored_crc64, digests }) = hashed else { return Ok(None) };
        let is_wanted = generation.crc64.is_none_or(|stated| stated == stored_crc64)
            && expected.contradicted_by(&digests).is_none();
        if !is_wanted || !self.is_in_place(&*file, opened)? {
            return Ok(None);
        }
        if let Some(time) = self.modification_time(generation) {
            file.set_modified(time)?;
        }
        Ok(Some(stored_crc64))
    }

    /// Whether the target's path still leads to the file that was opened, and nobody has written to that.
    fn is_in_place(&self, file: &dyn TargetFile, opened: FileVersion) -> Result<bool> {
        Ok(file.version()? == opened && self.world.storage.target_version() == Some(opened))
    }

    /// The bytes that were read are not those of the download.
    fn forget_comparison(&self) {
        let counted = self.shared.counters.bytes_done.get();
        self.shared.counters.bytes_done.subtract(counted);
        self.shared.set_total(None);
    }

    /// The existing file is right: nothing of an earlier run is needed any more.
    fn accept(&mut self, head: ReplyHead, generation: Generation, crc64: u64) -> Result<Outcome> {
        self.shared.set_phase(Phase::Finishing);
        if let Err(error) = self.discard_earlier_run() {
            // A later run removes it.
            self.log(LogLevel::Warn, || {
                format!("the files of an earlier run could not be removed: {error}")
            });
        }
        self.shared.counters.bytes_reused.add(generation.size);
        self.shared.set_contiguous(generation.size);
        self.log(LogLevel::Info, || "the existing file is the object".to_owned());
        let size = generation.size;
        let proof = if self.expects_digest() { Proof::ExpectedDigest } else { Proof::ObjectCrc };
        let content = match self.request.keep_extents {
            true => Some(FileContent {
                extents: (size > 0)
                    .then_some(Extent { offset: 0, len: size, crc: crc64 })
                    .into_iter()
                    .collect(),
                is_decrypted: self.content_key(&head)?.is_some(),
                was_there: true,
            }),
            false => None,
        };
        let outcome = self.outcome_of(generation, head, size, (crc64, proof));
        Ok(Outcome { content, ..outcome })
    }

    fn discard_earlier_run(&mut self) -> std::result::Result<(), Error> {
        let storage = self.world.storage;
        // The SDK trusts its record, so it must never exist without the bytes that it lists.
        storage.remove_sdk_record()?;
        let earlier_run = std::mem::take(&mut self.earlier_run);
        let temp = match earlier_run.temp {
            Some(temp) => Some(temp),
            None if earlier_run.has_temp => Some(storage.claim_temp()?),
            None => None,
        };
        if let Some(temp) = temp {
            temp.remove()?;
        }
        storage.discard_journal()
    }
}
