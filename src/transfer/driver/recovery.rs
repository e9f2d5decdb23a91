//! Recovery of an earlier run: locks its files first, and then determines what can be used.

use std::sync::Arc;

use crate::checkpoint::sdk_record::SdkRecord;
use crate::model::error::Result;
use crate::model::extent::Extent;
use crate::model::options::LogLevel;
use crate::model::pinning::Pinning;
use crate::model::request::Overwrite;
use crate::storage::temp_file::already_exists;
use crate::transfer::policy::reply_check::Generation;
use crate::transfer::world::{EarlierFile, TemporaryFile};

use super::Driver;

/// The files of an earlier run, which are locked.
#[derive(Default)]
pub struct EarlierRun {
    /// Its temporary file has been opened but not claimed yet.
    pub has_temp: bool,
    /// The temporary file, once it belongs to this run.
    pub temp: Option<Arc<dyn TemporaryFile>>,
    /// The temporary file contains nothing of an earlier run: this one created or emptied it.
    pub is_new: bool,
    pub recoverable: Option<Recoverable>,
    /// It has come since the files were looked for, and locks show when it does not use them any more.
    pub is_late: bool,
}

/// Bytes that may be kept, if the service still has their object.
pub struct Recoverable {
    /// Their generation; the C++ SDK's record contains only its size.
    pub generation: Generation,
    /// How they were pinned to it.
    pub pinning: Pinning,
    /// The record proves only the checksums of its parts: their generation is verified only by the whole object's
    /// CRC-64, or by a digest that the caller expects.
    pub needs_object_crc: bool,
    /// Resolved range: first byte, one past the last.
    pub range: std::ops::Range<u64>,
    /// In order of offset.
    pub extents: Vec<Extent>,
}

impl Driver<'_> {
    /// Locks and reads the existing files. `Busy` if another run has locked them.
    pub fn recover(&mut self) -> Result<()> {
        let storage = self.world.storage;
        if self.request.overwrite == Overwrite::Fail && storage.target_exists() {
            return Err(already_exists(storage.target()));
        }
        let contents = storage.lock_journal()?;
        // A record of other bytes, or with a temporary file of another target, is not a record of this download.
        let mut recorded =
            contents.filter(|(header, _)| header.range == self.wanted(header.object_size));
        if let Some((header, _)) = &recorded
            && !storage.owns_temp_name(&header.temp_name)?
        {
            recorded = None;
        }
        let sdk_record = self.find_sdk_record();
        let name = recorded.as_ref().map(|(header, _)| header.temp_name.as_os_str());
        let len = match storage.open_temp(name)? {
            EarlierFile::Absent => return Ok(()),
            EarlierFile::Exposed { message } => {
                self.log(LogLevel::Warn, || message);
                return Ok(());
            }
            EarlierFile::Found { len } => len,
        };
        self.earlier_run.has_temp = true;
        self.earlier_run.recoverable = match recorded {
            Some((header, extents)) => Some(Recoverable {
                generation: Generation {
                    etag: Some(header.etag),
                    size: header.object_size,
                    crc64: header.object_crc64,
                    version_id: header.object_version_id,
                    last_modified: header.last_modified,
                    appendable: header.pinning == Pinning::Growth,
                    // Not recorded. The proof finds bytes that were decrypted in another way.
                    encrypted: true,
                },
                pinning: header.pinning,
                needs_object_crc: false,
                extents: within(extents, header.range.start, len),
                range: header.range,
            }),
            None => sdk_record.and_then(|record| self.recoverable_from_sdk(record, len)),
        };
        if self.request.is_processed() {
            // The recorded bytes are those of the stored object.
            self.earlier_run.recoverable = None;
        }
        if let Some(recoverable) = &self.earlier_run.recoverable {
            let bytes: u64 = recoverable.extents.iter().map(|extent| extent.len).sum();
            self.log(LogLevel::Info, || format!("an earlier run recorded {bytes} bytes"));
        }
        Ok(())
    }

    fn find_sdk_record(&self) -> Option<SdkRecord> {
        if self.source.is_some() {
            // The SDK has no downloads from URLs.
            return None;
        }
        match self.world.storage.find_sdk_record(self.request) {
            Ok(record) => record,
            Err(error) => {
                self.log(LogLevel::Warn, || format!("the SDK's checkpoint was not used: {error}"));
                None
            }
        }
    }

    /// The usable part of the C++ SDK's record of the whole object.
    fn recoverable_from_sdk(&self, record: SdkRecord, len: u64) -> Option<Recoverable> {
        if self.request.range.is_some() || !(self.options.verify_crc || self.expects_digest()) {
            return None;
        }
        let SdkRecord { size, extents } = record;
        Some(Recoverable {
            generation: Generation { size, encrypted: true, ..Generation::default() },
            pinning: Pinning::IfMatch,
            needs_object_crc: true,
            range: 0..size,
            extents: within(extents, 0, len),
        })
    }
}

/// The extents that fit in a file of `len` bytes whose first byte is the object's byte `base`.
fn within(extents: Vec<Extent>, base: u64, len: u64) -> Vec<Extent> {
    let end = base.saturating_add(len);
    extents.into_iter().filter(|extent| extent.end() <= end).collect()
}
