//! From the first good reply to the first byte: the file and the journal are made, or those of an earlier run continued.

use std::ops::Range;
use std::sync::Arc;

use crate::checkpoint::format::Header;
use crate::checkpoint::journal::Taken;
use crate::model::encryption::ContentKey;
use crate::model::error::{Error, Result};
use crate::model::extent::grain;
use crate::model::options::LogLevel;
use crate::oss::reply::ReplyHead;
use crate::storage::temp_file::TempFile;
use crate::transfer::policy::reply_check::{FirstReply, Generation};

use super::Driver;
use super::first_request::FIRST;
use super::proof::Prover;
use super::recovery::EarlierRun;
use super::stored_extents::{Record, StoredExtents};
use super::transfer::Transfer;

impl Driver {
    /// Makes or takes over the file and the journal, and lets the body flow.
    pub fn prepare(
        &mut self,
        head: ReplyHead,
        mut reply: FirstReply,
        body_waits: bool,
    ) -> Result<()> {
        let content_key = self.content_key(&head)?;
        // A reply without the checksum does not take back the one that was recorded.
        let recorded = self.earlier_run.recoverable.as_ref().and_then(|r| r.generation.crc64);
        reply.generation.crc64 = reply.generation.crc64.or(recorded);
        let range = self.resolve(&reply.generation)?;
        let mut found = std::mem::take(&mut self.earlier_run);
        if found.recoverable.as_ref().is_none_or(|recoverable| recoverable.extents.is_empty()) {
            // The file is about to be emptied.
            found.remove_sdk_record()?;
        }
        let file = match found.temp.take() {
            Some(file) if found.is_new => file,
            Some(left) => {
                let left = Arc::into_inner(left)
                    .ok_or_else(|| Error::internal("an earlier run's file is in use already"))?;
                Arc::new(self.paths.claim(left)?)
            }
            None => Arc::new(self.paths.create_temp()?),
        };
        // Until its record is replaced, what an earlier run left is good for a later one, if that can find it.
        let is_new = found.recoverable.is_none() || !file.is_locked();
        self.earlier_run = EarlierRun { temp: Some(file.clone()), is_new, ..EarlierRun::default() };
        let transfer = self.lay_out(found, file, (head, content_key), reply.generation, &range)?;
        self.earlier_run = EarlierRun::default();
        self.shared.set_total(Some(range.end - range.start));
        self.transfer = Some(transfer);
        if body_waits {
            if let Some(in_flight) = &self.slots[FIRST].in_flight {
                in_flight.span.extend(reply.body.end.min(range.end));
                in_flight.span.shorten(reply.body.end.min(range.end));
            }
            self.proceed(FIRST)?;
        }
        self.log(LogLevel::Info, || format!("downloading bytes {}-{}", range.start, range.end));
        Ok(())
    }

    fn lay_out(
        &mut self,
        mut found: EarlierRun,
        file: Arc<TempFile>,
        (head, content_key): (ReplyHead, Option<Arc<ContentKey>>),
        generation: Generation,
        range: &Range<u64>,
    ) -> Result<Transfer> {
        let len = range.end - range.start;
        let vouched =
            found.recoverable.as_ref().is_none_or(|recoverable| !recoverable.needs_object_crc);
        let unproven =
            found.recoverable.take().map(|recoverable| recoverable.extents).unwrap_or_default();
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
        let record = match (found.journal_location.take(), pinned) {
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
                content_key.clone(),
                self.shared.events().clone(),
            )?);
        }
        Ok(Transfer {
            generation: Arc::new(generation),
            stored: StoredExtents::new(
                range.clone(),
                self.request.part_size,
                file,
                record,
                unproven,
            ),
            head,
            content_key,
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
            destination: self.paths.target.clone(),
            temp_name: file.path().file_name().unwrap_or_default().to_owned(),
        }
    }
}
