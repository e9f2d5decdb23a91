//! Completion: comparison of checksums, repair, flush and rename, once every byte has been received.

use std::time::{Duration, SystemTime};

use crate::model::digest::{Algorithms, Crc64, Digests, Mismatch};
use crate::model::error::{Error, ErrorKind, Result};
use crate::model::extent::Extent;
use crate::model::options::LogLevel;
use crate::model::outcome::{FileContent, Outcome, Proof, Statistics};
use crate::model::request::Overwrite;
use crate::oss::reply::ReplyHead;
use crate::oss::{clock, service_error};
use crate::storage::temp_file::FinishOptions;
use crate::transfer::policy::reply_check::Generation;
use crate::transfer::world::ReadBack;

use super::Driver;
use super::transfer::Transfer;

/// Longest error document that a service may send instead of a processed object, in bytes; OSS's are below 2 KiB.
const MAX_ERROR_DOCUMENT: u64 = 64 * 1024;
/// Number of times that the disk may return other bytes than were written.
const MAX_DISK_ROUNDS: u32 = 2;
/// For a link, OSS sends the length and the ETag of its target, and all other headers of the link itself.
const SYMLINK_CRC: &str = "; the object is a symbolic link, and the CRC-64 may be the link's and not that of the \
                           object it points to: download that object, or turn off verify_crc (enableCrc64 in C++)";

impl Driver<'_> {
    /// Verifies the file and renames it to the target; `None` if bytes have to be fetched again.
    pub fn finish(&mut self) -> Result<Option<Outcome>> {
        let transfer = self.transfer()?;
        let crc = transfer
            .stored
            .crc()
            .ok_or_else(|| Error::internal("bytes are missing at the end of the download"))?;
        let whole = *transfer.stored.range() == (0..transfer.generation.size);
        let stated = transfer.generation.crc64.filter(|_| whole);
        let compare = self.options.verify_crc;
        if compare && stated.is_some_and(|stated| stated != crc) {
            self.repair(stated.unwrap_or_default(), crc)?;
            return Ok(None);
        }
        self.refuse_error_document(transfer)?;
        if !self.has_expected_digests(crc, compare && stated.is_some())? {
            return Ok(None);
        }
        let needs_crc = self.transfer()?.pinning.needs_object_crc();
        let proof = match stated {
            _ if self.expects_digest() => Proof::ExpectedDigest,
            Some(_) if compare => Proof::ObjectCrc,
            _ if needs_crc => {
                return Err(Error::internal("bytes that only the CRC-64 proves were not compared"));
            }
            Some(_) => Proof::NotCompared,
            None => Proof::Generation,
        };
        self.put_in_place()?;
        self.outcome(crc, proof).map(Some)
    }

    /// Whether the file has every digest that the caller expects, and was read back if it must be; otherwise bytes have
    /// to be fetched again. `crc` is that of the bytes as they were received; `is_object`: it is the object's.
    fn has_expected_digests(&mut self, crc: u64, is_object: bool) -> Result<bool> {
        let expected = self.request.expected_digests();
        let decrypted = self.transfer()?.content_key.is_some();
        let known = Digests { crc64: (!decrypted).then_some(Crc64(crc)), ..Digests::default() };
        if let Some(mismatch) = expected.contradicted_by(&known) {
            // If these bytes are the object's, it does not matter whether the disk has kept them.
            self.heal(&mismatch, is_object, is_object)?;
            return Ok(false);
        }
        let algorithms = self.hashed_algorithms();
        let followed = self.followed_digests()?;
        let file = self.transfer()?.stored.file();
        let trusted = self.world.storage.is_trusted() && file.is_locked() && !file.was_cut()?;
        let must_read = self.request.verify_before_rename || !trusted;
        let (found, is_intact) = match followed {
            Some(found) if !must_read => (found, false),
            None if !must_read && algorithms.is_empty() => return Ok(true),
            _ => match self.read_back(algorithms)? {
                (_, Some(found)) => (found, true),
                (_, None) => {
                    self.fetch_damaged_again()?;
                    return Ok(false);
                }
            },
        };
        match expected.contradicted_by(&found) {
            Some(mismatch) => self.heal(&mismatch, is_object, is_intact).map(|()| false),
            None => Ok(true),
        }
    }

    /// The file has another digest than the caller expects: lets bytes that the disk has damaged, or else everything, be
    /// fetched once more. If the file is the object that is useless, and an error. `is_intact`: the disk has not damaged
    /// anything, as far as that matters.
    fn heal(&mut self, mismatch: &Mismatch, is_object: bool, is_intact: bool) -> Result<()> {
        let Mismatch { field, .. } = mismatch;
        self.log(LogLevel::Warn, || format!("the file differs from {field}"));
        if !is_intact && self.refetch_damaged()? {
            return Ok(());
        }
        if is_object || self.refetched {
            return Err(self.mismatch(mismatch, is_object));
        }
        self.refetch_everything()
    }

    /// Refuses an error document that was sent instead of a processed object: no checksum shows that it is not the
    /// result.
    fn refuse_error_document(&self, transfer: &Transfer) -> Result<()> {
        let len = transfer.generation.size;
        if !self.request.is_processed() || len > MAX_ERROR_DOCUMENT {
            return Ok(());
        }
        let mut body = vec![0; usize::try_from(len).unwrap_or_default()];
        let mut filled = 0;
        while filled < body.len() {
            match transfer.stored.file().read_at(&mut body[filled..], filled as u64)? {
                0 => break,
                read => filled += read,
            }
        }
        match service_error::in_place_of_object(&transfer.head, &body) {
            None => Ok(()),
            Some(error) => Err(self
                .refusal_error(error, None)
                .with_context(" (The service sent this error in place of the processed object.)")),
        }
    }

    /// The checksum is wrong: finds bytes that the disk damaged, or else fetches everything once more.
    fn repair(&mut self, stated: u64, crc: u64) -> Result<()> {
        if self.refetch_damaged()? {
            return Ok(());
        }
        if self.refetched {
            let error = Error::new(
                ErrorKind::Integrity,
                "CrcCheckError",
                format!(
                    "the service states the CRC-64 {stated} for {}, but the bytes it sent have {crc}, in two attempts; nothing was kept",
                    self.object()
                ),
            );
            let symlink = self.transfer()?.head.is_symlink();
            return Err(if symlink { error.with_context(SYMLINK_CRC) } else { error });
        }
        self.refetch_everything()
    }

    /// Lets the loop fetch what the disk has damaged; `false` if it has damaged nothing.
    fn refetch_damaged(&mut self) -> Result<bool> {
        let (damaged, _) = self.read_back(Algorithms::default())?;
        if damaged == 0 {
            return Ok(false);
        }
        self.log(LogLevel::Warn, || format!("{damaged} bytes were damaged on the disk"));
        self.fetch_damaged_again()?;
        Ok(true)
    }

    /// Lets the loop fetch everything once more, which it does only once.
    fn refetch_everything(&mut self) -> Result<()> {
        self.refetched = true;
        self.log(LogLevel::Warn, || {
            "the checksum does not match; fetching everything again".to_owned()
        });
        self.shared.counters.retries_reply.add(1);
        let range = self.transfer()?.stored.range().clone();
        let may_mix = self.transfer()?.pinning.needs_object_crc();
        if range.is_empty() || self.single_stream || may_mix {
            // Only another first reply can have another checksum, or start another stream. The checksum may also be
            // right, and the bytes those of an object that could not be distinguished from the expected one.
            return self.discard_everything();
        }
        let transfer = self.transfer_mut()?;
        let everything: Vec<Extent> = transfer.stored.extents().collect();
        let unrecorded = transfer.stored.forget(&everything);
        self.publish_contiguous();
        self.log_unrecorded(unrecorded?);
        let all = range.end - range.start;
        self.shared.counters.bytes_done.subtract(all);
        self.shared.counters.bytes_discarded.add(all);
        Ok(())
    }

    /// Reads everything back and hashes it; damaged extents count as missing from now on. Returns their total length, and
    /// the file's digests if that is 0.
    fn read_back(&mut self, algorithms: Algorithms) -> Result<(u64, Option<Digests>)> {
        let transfer = self.transfer()?;
        let (file, base) = (transfer.stored.file().clone(), transfer.stored.range().start);
        let content_key = transfer.content_key.clone();
        let extents: Vec<Extent> = transfer.stored.extents().collect();
        let key = content_key.as_deref();
        let mut between = || self.sit_out_pause();
        let ReadBack { damaged, digests } =
            file.read_back(&extents, base, key, algorithms, &mut between)?;
        let bytes = damaged.iter().map(|extent| extent.len).sum();
        if !damaged.is_empty() {
            let unrecorded = self.transfer_mut()?.stored.forget(&damaged);
            self.publish_contiguous();
            self.log_unrecorded(unrecorded?);
        }
        self.shared.counters.bytes_done.subtract(bytes);
        self.shared.counters.bytes_discarded.add(bytes);
        Ok((bytes, digests))
    }

    /// Lets the loop fetch the damaged bytes, which are missing now. A single stream brings only all bytes.
    fn fetch_damaged_again(&mut self) -> Result<()> {
        self.count_disk_round()?;
        if self.single_stream { self.discard_everything() } else { Ok(()) }
    }

    /// The disk returned other bytes than were written; an error if that has happened too often.
    fn count_disk_round(&mut self) -> Result<()> {
        self.disk_rounds += 1;
        if self.disk_rounds <= MAX_DISK_ROUNDS {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Integrity,
            "DiskCorruption",
            format!(
                "reading '{}' repeatedly returns other bytes than were written; check the disk",
                self.world.storage.temp_path().display()
            ),
        ))
    }

    /// From here on a pause has no effect.
    fn put_in_place(&mut self) -> Result<()> {
        self.sit_out_pause()?;
        self.log_refusal();
        let transfer = self.transfer()?;
        let range = transfer.stored.range();
        let file = transfer.stored.file().clone();
        file.set_len(range.end - range.start)?;
        let modified = self.modification_time(&transfer.generation);
        let options = FinishOptions {
            flush: self.request.flush,
            modified,
            replace: self.request.overwrite != Overwrite::Fail,
        };
        file.finish(self.world.storage.target(), &options)
    }

    fn outcome(&mut self, crc64: u64, proof: Proof) -> Result<Outcome> {
        let Some(transfer) = self.transfer.take() else {
            return Err(Error::internal("a download ended twice"));
        };
        let range = transfer.stored.range().clone();
        let content = self.request.keep_extents.then(|| FileContent {
            extents: transfer.stored.extents().collect(),
            is_decrypted: transfer.content_key.is_some(),
            was_there: false,
        });
        let (_, journal) = transfer.stored.into_parts();
        if let Some(Err(error)) = journal.map(|journal| journal.remove()) {
            // The file is complete and in place; a remaining record has no effect.
            self.log(LogLevel::Warn, || format!("the checkpoint could not be removed: {error}"));
        }
        let generation = std::sync::Arc::unwrap_or_clone(transfer.generation);
        let size = range.end - range.start;
        let outcome = self.outcome_of(generation, transfer.head, size, (crc64, proof));
        Ok(Outcome { content, ..outcome })
    }

    /// The outcome of a download whose file is in place and has `file_size` bytes.
    pub(super) fn outcome_of(
        &self,
        generation: Generation,
        head: ReplyHead,
        file_size: u64,
        (crc64, proof): (u64, Proof),
    ) -> Outcome {
        Outcome {
            file_path: self.world.storage.target().to_owned(),
            file_size,
            object_size: generation.size,
            etag: generation.etag,
            version_id: generation.version_id,
            crc64,
            object_crc64: generation.crc64,
            last_modified: generation.last_modified,
            request_id: head.request_id().map(str::to_owned),
            headers: head.headers,
            proof,
            statistics: Statistics {
                elapsed: self.now().saturating_duration_since(self.shared.started()),
                ..self.shared.counters.snapshot()
            },
            content: None,
        }
    }

    /// The modification time that the file gets, if the request wants that and the service has sent it.
    pub(super) fn modification_time(&self, generation: &Generation) -> Option<SystemTime> {
        let text =
            generation.last_modified.as_deref().filter(|_| self.request.set_modified_time)?;
        let seconds = clock::parse_http_date(text)?.as_second();
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(u64::try_from(seconds).ok()?))
    }

    /// After a failure: keeps what a later run can use, and removes everything else that this run created.
    pub fn clean_up(&mut self, error: &Error) {
        let (file, journal) = match self.transfer.take() {
            Some(transfer) => transfer.stored.into_parts(),
            None => match self.earlier_run.temp.take().filter(|_| self.earlier_run.is_new) {
                Some(file) => (file, None),
                None => return,
            },
        };
        let removed = match journal {
            Some(_) if !would_repeat(error) => Ok(()),
            Some(journal) => journal.remove().and(file.remove()),
            None => file.remove(),
        };
        // Requests that were left to stop alone still have the file open.
        file.unlock();
        if let Err(error) = removed {
            self.log(LogLevel::Warn, || format!("could not clean up: {error}"));
        }
    }

    fn transfer(&self) -> Result<&Transfer> {
        self.transfer.as_ref().ok_or_else(|| Error::internal("the transfer has not started"))
    }

    fn transfer_mut(&mut self) -> Result<&mut Transfer> {
        self.transfer.as_mut().ok_or_else(|| Error::internal("the transfer has not started"))
    }
}

/// Whether a later run must not resume from here: it would fail in the same way or, after a failed flush, treat bytes
/// as stored that are only in the page cache.
fn would_repeat(error: &Error) -> bool {
    error.kind() == ErrorKind::ObjectChanged
        || matches!(
            error.code(),
            "CrcCheckError" | "DigestMismatch" | "DiskCorruption" | "FlushError"
        )
}
