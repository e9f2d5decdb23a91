//! From "every byte is here" to "the file is in its place": comparison, healing, flush and rename.

use std::time::{Duration, SystemTime};

use crate::model::error::{Error, ErrorKind, Result};
use crate::model::extent::Extent;
use crate::model::options::LogLevel;
use crate::model::outcome::{Outcome, Proof};
use crate::model::request::Overwrite;
use crate::oss::clock;
use crate::storage::temp_file::FinishOptions;

use super::Driver;
use super::proof::{Comparison, READ_SIZE};
use super::transfer::Transfer;

/// Times that the disk may give back other bytes than were written.
const MAX_DISK_ROUNDS: u32 = 2;

impl Driver {
    /// Proves the file and puts it in its place; none when bytes have to be fetched again.
    pub fn finish(&mut self) -> Result<Option<Outcome>> {
        let transfer = self.transfer()?;
        let crc = transfer
            .stored
            .crc()
            .ok_or_else(|| Error::internal("bytes are missing at the end of the download"))?;
        let whole = *transfer.stored.range() == (0..transfer.generation.size);
        let expected = transfer.generation.crc64.filter(|_| whole);
        let compare = self.session.options.verify_crc;
        if compare && expected.is_some_and(|expected| expected != crc) {
            self.heal(expected.unwrap_or_default(), crc)?;
            return Ok(None);
        }
        let file = transfer.stored.file();
        let trusted = self.paths.trusted && file.is_locked() && !file.was_cut()?;
        if (self.request.verify_before_rename || !trusted) && self.forget_damaged()? > 0 {
            self.count_disk_round()?;
            return Ok(None);
        }
        let proof = match expected {
            Some(_) if compare => Proof::ObjectCrc,
            Some(_) => Proof::NotCompared,
            None => Proof::Generation,
        };
        self.put_in_place()?;
        self.outcome(crc, proof).map(Some)
    }

    /// The checksum is wrong: finds what the disk damaged, else fetches everything once more.
    fn heal(&mut self, expected: u64, crc: u64) -> Result<()> {
        let damaged = self.forget_damaged()?;
        if damaged > 0 {
            self.count_disk_round()?;
            self.log(LogLevel::Warn, || format!("{damaged} bytes were damaged on the disk"));
            return Ok(());
        }
        if self.refetched {
            return Err(Error::new(
                ErrorKind::Integrity,
                "CrcCheckError",
                format!(
                    "the CRC-64 of {} is {expected} by the service and {crc} by the bytes it sent, twice; nothing was kept",
                    self.object()
                ),
            ));
        }
        self.refetched = true;
        self.log(LogLevel::Warn, || {
            "the checksum is wrong; fetching everything once more".to_owned()
        });
        self.shared.counters.retries_reply.add(1);
        let range = self.transfer()?.stored.range().clone();
        if range.is_empty() || self.single_stream {
            // Only another first reply can bring another checksum, or another stream: the one that ended is not broken.
            return self.discard_everything();
        }
        let transfer = self.transfer_mut()?;
        let everything: Vec<Extent> = transfer.stored.extents().collect();
        transfer.stored.forget(&everything)?;
        let all = range.end - range.start;
        self.shared.counters.bytes_done.subtract(all);
        self.shared.counters.bytes_discarded.add(all);
        Ok(())
    }

    /// Reads everything back; what is not as it was written is missing from now on. How many bytes that is.
    fn forget_damaged(&mut self) -> Result<u64> {
        let transfer = self.transfer()?;
        let comparison = Comparison {
            file: transfer.stored.file(),
            base: transfer.stored.range().start,
            content_key: transfer.content_key.as_deref(),
        };
        let mut buffer = vec![0; READ_SIZE];
        let mut damaged: Vec<Extent> = Vec::new();
        for extent in transfer.stored.extents() {
            self.check_limits()?;
            if !comparison.holds(&extent, self.shared.cancel_flag(), &mut buffer)? {
                damaged.push(extent);
            }
        }
        let bytes = damaged.iter().map(|extent| extent.len).sum();
        if !damaged.is_empty() {
            self.transfer_mut()?.stored.forget(&damaged)?;
        }
        self.shared.counters.bytes_done.subtract(bytes);
        self.shared.counters.bytes_discarded.add(bytes);
        Ok(bytes)
    }

    /// The disk gave back other bytes than were written; an error when it has done so too often.
    fn count_disk_round(&mut self) -> Result<()> {
        self.disk_rounds += 1;
        if self.disk_rounds <= MAX_DISK_ROUNDS {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Integrity,
            "DiskCorruption",
            format!(
                "'{}' gives back other bytes than were written to it, again and again; check the disk",
                self.paths.temp.display()
            ),
        ))
    }

    fn put_in_place(&mut self) -> Result<()> {
        self.check_limits()?;
        let transfer = self.transfer()?;
        let range = transfer.stored.range();
        let file = transfer.stored.file().clone();
        file.set_len(range.end - range.start)?;
        let modified = self.request.set_modified_time.then(|| last_modified(transfer)).flatten();
        let options = FinishOptions {
            flush: self.request.flush,
            modified,
            replace: self.request.overwrite == Overwrite::Replace,
        };
        file.finish(&self.paths.target, &options)
    }

    fn outcome(&mut self, crc64: u64, proof: Proof) -> Result<Outcome> {
        let Some(transfer) = self.transfer.take() else {
            return Err(Error::internal("a download ended twice"));
        };
        let range = transfer.stored.range().clone();
        let request_id = transfer.head.request_id().map(str::to_owned);
        let (_, journal) = transfer.stored.into_parts();
        if let Some(Err(error)) = journal.map(|journal| journal.remove()) {
            // The file is right and in its place; a record that is left over vouches for nothing.
            self.log(LogLevel::Warn, || format!("the checkpoint is left over: {error}"));
        }
        let generation = std::sync::Arc::unwrap_or_clone(transfer.generation);
        Ok(Outcome {
            file_path: self.paths.target.clone(),
            file_size: range.end - range.start,
            object_size: generation.size,
            etag: generation.etag,
            version_id: generation.version_id,
            crc64,
            object_crc64: generation.crc64,
            last_modified: generation.last_modified,
            request_id,
            headers: transfer.head.headers,
            proof,
            statistics: self.shared.statistics(),
        })
    }

    /// After a failure: keeps what a later run can use, and nothing else of what this run made.
    pub fn clean_up(&mut self, error: &Error) {
        let (file, journal) = match self.transfer.take() {
            Some(transfer) => transfer.stored.into_parts(),
            None => match self.earlier_run.temp.take().filter(|_| self.earlier_run.is_new) {
                Some(file) => (file, None),
                None => return,
            },
        };
        let removed = match journal {
            Some(_) if !sticks(error) => return,
            Some(journal) => journal.remove().and(file.remove()),
            None => file.remove(),
        };
        if let Err(error) = removed {
            self.log(LogLevel::Warn, || format!("could not clean up: {error}"));
        }
    }

    fn transfer(&self) -> Result<&Transfer> {
        self.transfer.as_ref().ok_or_else(|| Error::internal("the download was never transfer"))
    }

    fn transfer_mut(&mut self) -> Result<&mut Transfer> {
        self.transfer.as_mut().ok_or_else(|| Error::internal("the download was never transfer"))
    }
}

/// Whether a later run must not go on from here: it would fail in the same way or, after a failed flush, take for
/// stored what only the page cache still has.
fn sticks(error: &Error) -> bool {
    error.kind() == ErrorKind::ObjectChanged
        || matches!(error.code(), "CrcCheckError" | "DiskCorruption" | "FlushError")
}

fn last_modified(transfer: &Transfer) -> Option<SystemTime> {
    let text = transfer.generation.last_modified.as_deref()?;
    let seconds = clock::parse_http_date(text)?.as_second();
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(u64::try_from(seconds).ok()?))
}
