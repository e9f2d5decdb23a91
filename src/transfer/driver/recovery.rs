//! What an earlier run left behind: locks first, then what of it may be used.

use std::path::PathBuf;
use std::sync::Arc;

use crate::checkpoint::journal::{JournalLocation, Taken};
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

/// Locked leftovers of an earlier run.
#[derive(Default)]
pub struct EarlierRun {
    pub journal_location: Option<JournalLocation>,
    pub taken: Option<Taken>,
    pub temp: Option<Arc<TempFile>>,
    /// The temp file holds nothing of an earlier run: this one made or emptied it.
    pub is_new: bool,
    pub recoverable: Option<Recoverable>,
    /// The C++ SDK's record: removed before its bytes are touched.
    pub sdk_record: Option<PathBuf>,
}

impl EarlierRun {
    /// Removes the SDK's record for good. The SDK would believe it, so that it must never be there, not after a
    /// power failure either, without the bytes it speaks of.
    pub fn remove_sdk_record(&mut self) -> Result<()> {
        self.sdk_record.take().map_or(Ok(()), |path| sdk_record::remove(&path))
    }
}

/// Bytes that may be kept, if the service still has the object they came from.
pub struct Recoverable {
    /// The generation they came from; the C++ SDK's record knows only its size.
    pub generation: Generation,
    /// What held them to it.
    pub pinning: Pinning,
    /// The record proves nothing but its parts' checksums: only the whole object's CRC-64 can vouch for it.
    pub needs_object_crc: bool,
    /// Resolved range: first byte, one past the last.
    pub range: std::ops::Range<u64>,
    /// In order of offset.
    pub extents: Vec<Extent>,
}

impl Driver {
    /// Locks what is there and reads it. `Busy` when another run holds it.
    pub fn recover(&mut self) -> Result<()> {
        // Names are digests.
        let _exit_guard = exit::guard()?;
        if self.request.overwrite == Overwrite::Fail && self.paths.target.symlink_metadata().is_ok()
        {
            return Err(already_exists(&self.paths.target));
        }
        if let Some(journal_location) = JournalLocation::of(&self.request, &self.paths) {
            self.earlier_run.taken = journal_location.take()?;
            self.earlier_run.journal_location = Some(journal_location);
        }
        let contents = self.earlier_run.taken.as_mut().and_then(|taken| taken.contents.take());
        // A record of other bytes, or one that names a file of another kind, is no record of this download.
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
                    "'{}' is not used: it belongs to another user, to whom '{}' denies access",
                    temp.path().display(),
                    self.paths.target.display()
                )
            });
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
                },
                pinning: header.pinning,
                needs_object_crc: false,
                extents: within(extents, header.range.start, len),
                range: header.range,
            }),
            None => sdk_record.and_then(|record| self.recoverable_from_sdk(record, len)),
        };
        if self.request.is_processed() {
            // What was recorded are bytes of the object as it is stored.
            self.earlier_run.recoverable = None;
        }
        if let Some(recoverable) = &self.earlier_run.recoverable {
            let bytes: u64 = recoverable.extents.iter().map(|extent| extent.len).sum();
            self.log(LogLevel::Info, || format!("an earlier run recorded {bytes} bytes"));
        }
        Ok(())
    }

    /// The C++ SDK's record for this target. Wherever it stands it has to go, whatever it says: our temp file has the
    /// name of the SDK's, and the SDK would take our bytes for its own. Only where the name has a random part, because
    /// no lock can be trusted, the SDK's two files stay as they are: nothing would keep two runs from taking them over.
    /// So they do where `file_path` is a link: the SDK's temp file is beside the link, ours beside what it leads to.
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

    /// What of the C++ SDK's record of the whole object may be used.
    fn recoverable_from_sdk(&self, record: SdkRecord, len: u64) -> Option<Recoverable> {
        if self.request.range.is_some() || !self.session.options.verify_crc {
            return None;
        }
        let SdkRecord { size, extents } = record;
        Some(Recoverable {
            generation: Generation { size, ..Generation::default() },
            pinning: Pinning::IfMatch,
            needs_object_crc: true,
            range: 0..size,
            extents: within(extents, 0, len),
        })
    }
}

/// The extents that a file of `len` bytes, starting with the object's byte `base`, can hold.
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

    /// What is found of the SDK's beside `target`, where locks can be trusted and where not.
    fn found(request: &DownloadRequest, trusted: bool) -> EarlierRun {
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
    fn the_sdks_record_is_left_alone_where_locks_cannot_be_trusted_and_where_the_target_is_a_link()
    {
        let dir = tempfile::tempdir().expect("directory");
        let target = dir.path().join("file");
        let request =
            DownloadRequest::new("bucket", "key").file_path(&target).checkpoint_dir(dir.path());
        // MD5 of "oss://bucket/key" and of the target's path, as the SDK names its record.
        let md5 = |text: &[u8]| {
            let digest = openssl::hash::hash(openssl::hash::MessageDigest::md5(), text);
            digest.expect("MD5").iter().map(|byte| format!("{byte:02X}")).collect::<String>()
        };
        let path = target.to_str().expect("UTF-8").as_bytes();
        let record = dir.path().join(format!("{}--{}", md5(b"oss://bucket/key"), md5(path)));
        std::fs::write(&record, "{}").expect("write");
        assert_eq!(found(&request, true).sdk_record, Some(record));
        assert_eq!(found(&request, false).sdk_record, None);

        std::os::unix::fs::symlink("elsewhere", &target).expect("link");
        assert_eq!(found(&request, true).sdk_record, None, "its temp file is not ours");
    }
}
