//! Recovery of an earlier run: locks its files first, and then determines what can be used.

use std::path::PathBuf;
use std::sync::Arc;

use crate::checkpoint::journal::{JournalLocation, LockedJournal};
use crate::checkpoint::sdk_record::{self, SdkRecord};
use crate::model::error::Result;
use crate::model::extent::Extent;
use crate::model::options::LogLevel;
use crate::model::pinning::Pinning;
use crate::model::request::Overwrite;
use crate::storage::temp_file::{TempFile, already_exists};
use crate::sys::exit;
use crate::transfer::policy::reply_check::Generation;

use super::Driver;

/// The locked files of an earlier run.
#[derive(Default)]
pub struct EarlierRun {
    pub journal_location: Option<JournalLocation>,
    pub journal: Option<LockedJournal>,
    pub temp: Option<Arc<TempFile>>,
    /// The temporary file contains nothing of an earlier run: this one created or emptied it.
    pub is_new: bool,
    pub recoverable: Option<Recoverable>,
    /// The C++ SDK's record: removed before its bytes are changed.
    pub sdk_record: Option<PathBuf>,
}

impl EarlierRun {
    /// Removes the SDK's record durably. The SDK trusts it, so it must never exist without the bytes that it lists, not
    /// even after a power failure.
    pub fn remove_sdk_record(&mut self) -> Result<()> {
        self.sdk_record.take().map_or(Ok(()), |path| sdk_record::remove(&path))
    }
}

/// Bytes that may be kept, if the service still has their object.
pub struct Recoverable {
    /// Their generation; the C++ SDK's record contains only its size.
    pub generation: Generation,
    /// How they were pinned to it.
    pub pinning: Pinning,
    /// The record proves only the checksums of its parts: their generation is verified only by the whole object's
    /// CRC-64.
    pub needs_object_crc: bool,
    /// Resolved range: first byte, one past the last.
    pub range: std::ops::Range<u64>,
    /// In order of offset.
    pub extents: Vec<Extent>,
}

impl Driver {
    /// Locks and reads the existing files. `Busy` if another run has locked them.
    pub fn recover(&mut self) -> Result<()> {
        // Names are digests.
        let _exit_guard = exit::guard()?;
        if self.request.overwrite == Overwrite::Fail && self.paths.target.symlink_metadata().is_ok()
        {
            return Err(already_exists(&self.paths.target));
        }
        if let Some(journal_location) = JournalLocation::of(&self.request, &self.paths) {
            self.earlier_run.journal = journal_location.lock()?;
            self.earlier_run.journal_location = Some(journal_location);
        }
        let contents =
            self.earlier_run.journal.as_mut().and_then(|journal| journal.contents.take());
        // A record of other bytes, or with a temporary file of another target, is not a record of this download.
        let contents =
            contents.filter(|(header, _)| header.range == self.wanted(header.object_size));
        let recorded = contents.and_then(|(header, extents)| {
            Some((self.paths.recorded_temp(&header.temp_name)?, header, extents))
        });
        let sdk_record = self.find_sdk_record();
        let path = recorded.as_ref().map_or(&self.paths.temp, |(path, ..)| path);
        let temp = TempFile::open_existing(path)?;
        let Some(temp) = temp else { return Ok(()) };
        if !self.paths.may_use(&temp)? {
            self.log(LogLevel::Warn, || {
                format!(
                    "'{}' is not used: users may have it open who may not read or write '{}'",
                    temp.path().display(),
                    self.paths.target.display()
                )
            });
            if temp.path() != self.paths.temp {
                // No later run would find it: the name is only in the checkpoint, which will be replaced.
                let _ = temp.remove();
            }
            return Ok(());
        }
        let len = temp.len()?;
        self.earlier_run.temp = Some(Arc::new(temp));
        self.earlier_run.recoverable = match recorded {
            Some((_, header, extents)) => Some(Recoverable {
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

    /// The C++ SDK's record for this target. It must be removed whatever its contents: the library's temporary file has
    /// the same name as the SDK's, and the SDK would use the library's bytes. The SDK's two files stay unchanged only
    /// if the name has a random suffix, because locks cannot be trusted and nothing would prevent two runs from using
    /// them; and if `file_path` is a link, because the SDK's temporary file is beside the link and the library's beside
    /// its target.
    fn find_sdk_record(&mut self) -> Option<SdkRecord> {
        if !self.paths.trusted || self.paths.through_link {
            return None;
        }
        let directory = self.paths.checkpoint_dir.as_deref()?;
        match sdk_record::find(directory, &self.request) {
            Ok(found) => {
                let (path, record) = found?;
                self.earlier_run.sdk_record = Some(path);
                record
            }
            Err(error) => {
                self.log(LogLevel::Warn, || format!("the SDK's checkpoint was not used: {error}"));
                None
            }
        }
    }

    /// The usable part of the C++ SDK's record of the whole object.
    fn recoverable_from_sdk(&self, record: SdkRecord, len: u64) -> Option<Recoverable> {
        if self.request.range.is_some() || !self.session.options.verify_crc {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::options::ClientOptions;
    use crate::model::request::DownloadRequest;
    use crate::storage::paths;
    use crate::sync::channel::unbounded;
    use crate::transfer::driver::Task;
    use crate::transfer::{Session, Shared};

    /// The SDK's files recovered beside `target`, with and without trusted locks.
    fn recovered(request: &DownloadRequest, trusted: bool) -> EarlierRun {
        let session = Session::new(ClientOptions::new("http://127.0.0.1")).expect("session");
        let paths = paths::Paths { trusted, ..paths::resolve(request).expect("paths") };
        let (events, inbox) = unbounded();
        let shared = Arc::new(Shared::new(events, 0));
        let session = Arc::new(session);
        let mut driver =
            Driver::new(Task { session, request: request.clone(), paths, shared, inbox });
        driver.recover().expect("nobody is in the way");
        std::mem::take(&mut driver.earlier_run)
    }

    #[test]
    fn the_sdks_record_is_kept_if_locks_cannot_be_trusted_or_the_target_is_a_link() {
        let dir = tempfile::tempdir().expect("directory");
        let target = dir.path().join("file");
        let request =
            DownloadRequest::new("bucket", "key").file_path(&target).checkpoint_dir(dir.path());
        // MD5 of "oss://bucket/key" and of the target's path, which the SDK uses as the name of its record.
        let md5 = |text: &[u8]| {
            let digest = openssl::hash::hash(openssl::hash::MessageDigest::md5(), text);
            digest.expect("MD5").iter().map(|byte| format!("{byte:02X}")).collect::<String>()
        };
        let path = target.to_str().expect("UTF-8").as_bytes();
        let record = dir.path().join(format!("{}--{}", md5(b"oss://bucket/key"), md5(path)));
        std::fs::write(&record, "{}").expect("write");
        assert_eq!(recovered(&request, true).sdk_record, Some(record));
        assert_eq!(recovered(&request, false).sdk_record, None);

        std::os::unix::fs::symlink("elsewhere", &target).expect("link");
        assert_eq!(recovered(&request, true).sdk_record, None, "its temp file is not ours");
    }
}
