//! Preparation, between the first successful reply and the first byte: file and journal are created, or those of an
//! earlier run continued.

use std::ops::Range;
use std::sync::Arc;

use crate::checkpoint::format::Header;
use crate::model::encryption::ContentKey;
use crate::model::error::{Error, Result};
use crate::model::extent::grain;
use crate::model::options::LogLevel;
use crate::model::outcome::Phase;
use crate::model::pinning::Pinning;
use crate::model::request::{MAX_PART_SIZE, Order, WriteMode};
use crate::oss::reply::ReplyHead;
use crate::transfer::policy::reply_check::{FirstReply, Generation, UNKNOWN};
use crate::transfer::world::TemporaryFile;

use super::Driver;
use super::first_request::FIRST;
use super::recovery::{EarlierRun, Recoverable};
use super::stored_extents::{Record, StoredExtents};
use super::transfer::Transfer;

impl Driver<'_> {
    /// Creates or claims the file and the journal, and lets the transfer continue.
    pub fn prepare(
        &mut self,
        head: ReplyHead,
        mut reply: FirstReply,
        body_waits: bool,
    ) -> Result<()> {
        let content_key = self.content_key(&head)?;
        if content_key.is_none() {
            self.check_stated_crc(&head, &reply.generation)?;
        }
        // With `allow_encrypted` the bytes are saved as they are stored, whatever the metadata.
        reply.generation.encrypted |= self.request.allow_encrypted;
        if !body_waits && reply.generation.size == UNKNOWN {
            // The first chunk was the last one: the body ended without a byte.
            (reply.generation.size, reply.body.end) = (0, 0);
        }
        let range = self.resolve(&reply.generation)?;
        let pinning = self.pinning_of(&reply.generation).unwrap_or_default();
        let mut earlier_run = std::mem::take(&mut self.earlier_run);
        let storage = self.world.storage;
        if earlier_run.recoverable.as_ref().is_none_or(|recoverable| recoverable.extents.is_empty())
        {
            // The file will be emptied. The SDK trusts its record, so it must never exist without the bytes that it
            // lists, not even after a power failure.
            storage.remove_sdk_record()?;
        }
        let file = match earlier_run.temp.take() {
            Some(file) => file,
            None if earlier_run.has_temp => storage.claim_temp()?,
            // Another run has come meanwhile, and what it recorded would be lost.
            None if storage.has_new_journal() => {
                self.earlier_run.is_late = true;
                return Err(Error::busy(storage.target()));
            }
            None => storage.create_temp()?,
        };
        // Until its record is replaced, a later run can use the bytes of the earlier run, if it can find them.
        let is_new = earlier_run.recoverable.is_none() || !file.is_locked();
        self.earlier_run = EarlierRun { temp: Some(file.clone()), is_new, ..EarlierRun::default() };
        let transfer = self.create_transfer(
            earlier_run.recoverable,
            file,
            (head, content_key),
            (reply.generation, pinning),
            &range,
        )?;
        self.earlier_run = EarlierRun::default();
        self.shared.set_total(transfer.len());
        let name = transfer.stored.file().name();
        self.shared.set_temp_path(&storage.temp_path().with_file_name(name));
        self.transfer = Some(transfer);
        if body_waits {
            if let Some(in_flight) = &self.slots[FIRST].in_flight {
                in_flight.span.extend(reply.body.end.min(range.end));
                in_flight.span.shorten(reply.body.end.min(range.end));
            }
            // Whoever sees the first byte counted sees the phase that it belongs to.
            self.shared.set_phase(Phase::Transferring);
            self.proceed(FIRST)?;
        }
        self.log(LogLevel::Info, || match range.end {
            UNKNOWN => "downloading an object of unknown size".to_owned(),
            end => format!("downloading bytes {}-{end}", range.start),
        });
        Ok(())
    }

    fn create_transfer(
        &mut self,
        recoverable: Option<Recoverable>,
        file: Arc<dyn TemporaryFile>,
        (head, content_key): (ReplyHead, Option<Arc<ContentKey>>),
        (generation, pinning): (Generation, Pinning),
        range: &Range<u64>,
    ) -> Result<Transfer> {
        let storage = self.world.storage;
        let len = (range.end != UNKNOWN).then(|| range.end - range.start);
        let generation_known =
            recoverable.as_ref().is_none_or(|recoverable| !recoverable.needs_object_crc);
        let unproven = recoverable.map(|recoverable| recoverable.extents).unwrap_or_default();
        // Between calls that may take long, a cancel is noticed.
        self.check_limits()?;
        if unproven.is_empty() {
            file.clear()?;
            self.check_limits()?;
        }
        if let Some(len) = len {
            if self.request.check_space {
                file.check_space(len)?;
            }
            if self.request.preallocate {
                file.preallocate(len)?;
                self.check_limits()?;
            }
        }
        let write_mode = match (self.request.write_mode, self.request.order) {
            // The file is read while it grows.
            (WriteMode::Auto, Order::Sequential) => WriteMode::Buffered,
            (write_mode, _) => write_mode,
        };
        if let Some(said) = file.choose_write_mode(write_mode, len) {
            self.log(LogLevel::Info, || said);
            self.check_limits()?;
        }
        let pinned = generation.etag.clone().filter(|_| !self.single_stream);
        let record = match pinned.filter(|_| storage.keeps_journal()) {
            Some(etag) => {
                let header = self.header(etag, (&generation, pinning), range, &*file);
                Some(Record::start(storage, header, &unproven, generation_known)?)
            }
            None => {
                // This run cannot be resumed, and has emptied the file to which an earlier record refers.
                storage.discard_journal()?;
                None
            }
        };
        storage.remove_sdk_record()?;
        let proving = !unproven.is_empty();
        if proving {
            let held: u64 = unproven.iter().map(|extent| extent.len).sum();
            self.shared.counters.bytes_done.add(held);
            let (file, key) = (file.clone(), content_key.clone());
            file.drop_cache();
            let proof = storage.start_proof(file, range.start, unproven.clone(), key)?;
            if self.is_paused() {
                // The first reply had come before its request was stopped.
                proof.pause();
            }
            self.proof = Some(proof);
        }
        let grain = match len {
            Some(len) => grain(self.request.part_size, len),
            // The largest grain for small objects: this download cannot be resumed.
            None => grain(MAX_PART_SIZE, 0),
        };
        Ok(Transfer {
            generation: Arc::new(generation),
            pinning,
            unconfirmed: false,
            stored: StoredExtents::new(range.clone(), grain, file, record, unproven),
            head,
            content_key,
            grain,
            proving,
        })
    }

    fn header(
        &self,
        etag: String,
        (generation, pinning): (&Generation, Pinning),
        range: &Range<u64>,
        file: &dyn TemporaryFile,
    ) -> Header {
        let (bucket, key) = self.request.identity();
        Header {
            bucket,
            key,
            version_id: self.request.version_id.clone(),
            etag,
            object_size: generation.size,
            object_crc64: generation.crc64,
            last_modified: generation.last_modified.clone(),
            pinning,
            object_version_id: generation.version_id.clone(),
            requested: self.request.range,
            range: range.clone(),
            destination: self.world.storage.target().to_owned(),
            temp_name: file.name().to_owned(),
        }
    }
}
