//! The files of a download on the system's disk.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use crate::checkpoint::format::Header;
use crate::checkpoint::journal::{Journal, JournalLocation, LockedJournal};
use crate::checkpoint::sdk_record::{self, SdkRecord};
use crate::model::digest::Algorithms;
use crate::model::encryption::ContentKey;
use crate::model::error::{Error, Result};
use crate::model::extent::Extent;
use crate::model::request::{DownloadRequest, WriteMode};
use crate::oss::content_cipher::ContentCipher;
use crate::storage::aligned::AlignedBuffer;
use crate::storage::existing_file::{ExistingFile, FileVersion};
use crate::storage::file_hasher::FileHasher;
use crate::storage::paths::Paths;
use crate::storage::temp_file::{FinishOptions, TempFile};
use crate::sync::inbox::Sender;
use crate::sys::exit;
use crate::transfer::event::Event;
use crate::transfer::world::{
    EarlierFile, Hashed, Hashing, JournalFile, Proof, READ_SIZE, ReadBack, Storage, TargetFile,
    TemporaryFile,
};

use super::hashing::HashingThread;
use super::proof::{Comparison, ProofThread};

/// The files of one download, and those of an earlier run that are locked and not in use yet.
pub struct DownloadFiles {
    paths: Paths,
    journal: Option<JournalLocation>,
    locked_journal: RefCell<Option<LockedJournal>>,
    found_temp: RefCell<Option<TempFile>>,
    sdk_record: RefCell<Option<PathBuf>>,
    events: Sender<Event>,
}

impl DownloadFiles {
    /// Opens nothing. `events` receives the reports of a proof.
    pub fn new(request: &DownloadRequest, paths: Paths, events: Sender<Event>) -> Result<Self> {
        // Names are digests.
        let _exit_guard = exit::guard()?;
        Ok(DownloadFiles {
            journal: JournalLocation::of(request, &paths),
            paths,
            locked_journal: RefCell::default(),
            found_temp: RefCell::default(),
            sdk_record: RefCell::default(),
            events,
        })
    }
}

impl Storage for DownloadFiles {
    fn target(&self) -> &Path {
        &self.paths.target
    }

    fn target_exists(&self) -> bool {
        self.paths.target.symlink_metadata().is_ok()
    }

    fn target_version(&self) -> Option<FileVersion> {
        FileVersion::at(&self.paths.target)
    }

    fn first_target_version(&self) -> Option<FileVersion> {
        self.paths.target_version
    }

    fn open_target(&self) -> Result<Option<Box<dyn TargetFile>>> {
        let opened = ExistingFile::open(&self.paths.target)?;
        Ok(opened.map(|file| -> Box<dyn TargetFile> { Box::new(file) }))
    }

    fn temp_path(&self) -> &Path {
        &self.paths.temp
    }

    fn is_trusted(&self) -> bool {
        self.paths.trusted
    }

    fn owns_temp_name(&self, name: &OsStr) -> Result<bool> {
        let _exit_guard = exit::guard()?;
        Ok(self.paths.recorded_temp(name).is_some())
    }

    fn lock_journal(&self) -> Result<Option<(Header, Vec<Extent>)>> {
        let Some(location) = &self.journal else { return Ok(None) };
        let mut locked = location.lock()?;
        let contents = locked.as_mut().and_then(|journal| journal.contents.take());
        *self.locked_journal.borrow_mut() = locked;
        Ok(contents)
    }

    fn keeps_journal(&self) -> bool {
        self.journal.is_some()
    }

    fn has_new_journal(&self) -> bool {
        let location = self.journal.as_ref().filter(|_| self.locked_journal.borrow().is_none());
        location.is_some_and(JournalLocation::may_be_locked)
    }

    fn start_journal(&self, header: &Header, extents: &[Extent]) -> Result<Box<dyn JournalFile>> {
        let location = self.journal.as_ref();
        let location =
            location.ok_or_else(|| Error::internal("this download keeps no checkpoint"))?;
        let previous = self.locked_journal.take();
        let journal = location.start(previous.as_ref(), header, extents)?;
        Ok(Box::new(RunningJournal { journal, location: location.clone() }))
    }

    fn discard_journal(&self) -> Result<()> {
        self.locked_journal.take().map_or(Ok(()), LockedJournal::discard)
    }

    /// The record must be removed whatever its contents: the library's temporary file has the same name as the SDK's,
    /// and the SDK would use the library's bytes. The SDK's two files stay unchanged only if the name has a random
    /// suffix, because locks cannot be trusted and nothing would prevent two runs from using them; and if `file_path`
    /// is a link, because the SDK's temporary file is beside the link and the library's beside its target.
    fn find_sdk_record(&self, request: &DownloadRequest) -> Result<Option<SdkRecord>> {
        if !self.paths.trusted || self.paths.through_link {
            return Ok(None);
        }
        let _exit_guard = exit::guard()?;
        let directory = self.paths.checkpoint_dir.as_deref();
        let found = directory.and_then(|directory| sdk_record::find(directory, request));
        let Some((path, record)) = found else { return Ok(None) };
        *self.sdk_record.borrow_mut() = Some(path);
        record
    }

    fn remove_sdk_record(&self) -> Result<()> {
        self.sdk_record.take().map_or(Ok(()), |path| sdk_record::remove(&path))
    }

    fn open_temp(&self, recorded: Option<&OsStr>) -> Result<EarlierFile> {
        let _exit_guard = exit::guard()?;
        let recorded = recorded.and_then(|name| self.paths.recorded_temp(name));
        let path = recorded.as_ref().unwrap_or(&self.paths.temp);
        let Some(temp) = TempFile::open_existing(path)? else { return Ok(EarlierFile::Absent) };
        if !self.paths.may_use(&temp)? {
            if temp.path() != self.paths.temp {
                // No later run would find it: the name is only in the checkpoint, which will be replaced.
                let _ = temp.remove();
            }
            let (temp, target) = (temp.path().display(), self.paths.target.display());
            return Ok(EarlierFile::Exposed {
                message: format!(
                    "'{temp}' is not used: users may have it open who may not read or write '{target}'"
                ),
            });
        }
        let len = temp.len()?;
        *self.found_temp.borrow_mut() = Some(temp);
        Ok(EarlierFile::Found { len })
    }

    fn claim_temp(&self) -> Result<Arc<dyn TemporaryFile>> {
        let _exit_guard = exit::guard()?;
        let found = self.found_temp.take();
        let found = found.ok_or_else(|| Error::internal("no earlier temporary file is open"))?;
        Ok(Arc::new(self.paths.claim(found)?))
    }

    fn create_temp(&self) -> Result<Arc<dyn TemporaryFile>> {
        let _exit_guard = exit::guard()?;
        Ok(Arc::new(self.paths.create_temp()?))
    }

    fn release(&self) {
        drop((self.locked_journal.take(), self.found_temp.take(), self.sdk_record.take()));
    }

    fn start_proof(
        &self,
        file: Arc<dyn TemporaryFile>,
        base: u64,
        extents: Vec<Extent>,
        content_key: Option<Arc<ContentKey>>,
    ) -> Result<Box<dyn Proof>> {
        let comparison = Comparison { file, base, extents, content_key };
        Ok(Box::new(ProofThread::start(comparison, self.events.clone())?))
    }

    fn start_hashing(
        &self,
        file: Arc<dyn TemporaryFile>,
        algorithms: Algorithms,
    ) -> Result<Box<dyn Hashing>> {
        Ok(Box::new(HashingThread::start(file, algorithms, self.events.clone())?))
    }
}

impl TargetFile for ExistingFile {
    fn version(&self) -> Result<FileVersion> {
        ExistingFile::version(self)
    }

    fn flush(&self) -> Result<()> {
        ExistingFile::flush(self)
    }

    fn set_modified(&self, time: SystemTime) -> Result<()> {
        ExistingFile::set_modified(self, time)
    }

    fn hash(
        &self,
        len: u64,
        content_key: Option<&ContentKey>,
        algorithms: Algorithms,
        between: &mut dyn FnMut(u64) -> Result<()>,
        buffer: &mut [u8],
    ) -> Result<Option<Hashed>> {
        let mut hasher = FileHasher::new(algorithms)?;
        let cipher = content_key.map(|key| ContentCipher::at(key, 0));
        let stored_crc64 = match cipher.transpose()? {
            None => ExistingFile::hash(self, len, &mut hasher, between, buffer, |_| Ok(())),
            Some(mut cipher) => {
                let encrypt = |bytes: &mut [u8]| cipher.replace(bytes);
                ExistingFile::hash(self, len, &mut hasher, between, buffer, encrypt)
            }
        }?;
        let Some(stored_crc64) = stored_crc64 else { return Ok(None) };
        Ok(Some(Hashed { stored_crc64, digests: hasher.finish()? }))
    }
}

/// A journal and where it is.
struct RunningJournal {
    journal: Journal,
    location: JournalLocation,
}

impl JournalFile for RunningJournal {
    fn append(&mut self, extents: &[Extent]) -> Result<()> {
        self.journal.append(extents)
    }

    fn rewrite(
        self: Box<Self>,
        header: &Header,
        extents: &[Extent],
    ) -> Result<std::result::Result<Box<dyn JournalFile>, Error>> {
        let RunningJournal { journal, location } = *self;
        let rewritten = journal.rewrite(&location, header, extents)?;
        Ok(rewritten.map(|journal| {
            let journal: Box<dyn JournalFile> = Box::new(RunningJournal { journal, location });
            journal
        }))
    }

    fn remove(self: Box<Self>) -> Result<()> {
        self.journal.remove()
    }
}

impl TemporaryFile for TempFile {
    fn name(&self) -> &OsStr {
        self.path().file_name().unwrap_or_default()
    }

    fn is_locked(&self) -> bool {
        TempFile::is_locked(self)
    }

    fn clear(&self) -> Result<()> {
        TempFile::clear(self)
    }

    fn set_len(&self, len: u64) -> Result<()> {
        TempFile::set_len(self, len)
    }

    fn was_cut(&self) -> Result<bool> {
        TempFile::was_cut(self)
    }

    fn check_space(&self, final_len: u64) -> Result<()> {
        TempFile::check_space(self, final_len)
    }

    fn preallocate(&self, len: u64) -> Result<()> {
        TempFile::preallocate(self, len)
    }

    fn choose_write_mode(&self, mode: WriteMode, len: Option<u64>) -> Option<String> {
        TempFile::choose_write_mode(self, mode, len)
    }

    fn late_refusal(&self) -> Option<String> {
        TempFile::late_refusal(self)
    }

    fn start_writeback(&self, range: Range<u64>) {
        TempFile::start_writeback(self, range.start, range.end - range.start);
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        TempFile::read_at(self, buffer, offset)
    }

    fn holds(
        &self,
        extent: &Extent,
        base: u64,
        content_key: Option<&ContentKey>,
        between: &mut dyn FnMut() -> Result<()>,
        buffer: &mut [u8],
    ) -> Result<bool> {
        let offset = extent.offset.saturating_sub(base);
        let cipher = content_key.map(|key| ContentCipher::at(key, extent.offset));
        match cipher.transpose()? {
            None => self.prove(extent, offset, between, buffer, |_| Ok(())),
            Some(mut cipher) => {
                self.prove(extent, offset, between, buffer, |bytes| cipher.replace(bytes))
            }
        }
    }

    fn read_block(&self, buffer: &mut [u8], offset: u64, wanted: usize) -> Result<Range<usize>> {
        TempFile::read_block(self, buffer, offset, wanted)
    }

    fn read_back(
        &self,
        extents: &[Extent],
        base: u64,
        content_key: Option<&ContentKey>,
        algorithms: Algorithms,
        between: &mut dyn FnMut() -> Result<()>,
    ) -> Result<ReadBack> {
        let mut hasher = FileHasher::new(algorithms)?;
        let mut buffer = AlignedBuffer::zeroed(READ_SIZE);
        let mut damaged = Vec::new();
        for extent in extents {
            let cipher = content_key.map(|key| ContentCipher::at(key, extent.offset));
            let mut cipher = cipher.transpose()?;
            let offset = extent.offset.saturating_sub(base);
            let right = self.prove(extent, offset, between, buffer.bytes_mut(), |bytes| {
                hasher.update(bytes)?;
                cipher.as_mut().map_or(Ok(()), |cipher| cipher.replace(bytes))
            })?;
            if !right {
                damaged.push(*extent);
            }
        }
        let digests = damaged.is_empty().then(|| hasher.finish()).transpose()?;
        Ok(ReadBack { damaged, digests })
    }

    fn drop_cache(&self) {
        TempFile::drop_cache(self);
    }

    fn stop_writes(&self) {
        TempFile::stop_writes(self);
    }

    fn unlock(&self) {
        TempFile::unlock(self);
    }

    fn finish(&self, target: &Path, options: &FinishOptions) -> Result<()> {
        TempFile::finish(self, target, options)
    }

    fn remove(&self) -> Result<()> {
        TempFile::remove(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::paths;
    use crate::sync::inbox::inbox;

    /// Whether the SDK's record beside the target would be removed, with and without trusted locks.
    fn removes_sdk_record(request: &DownloadRequest, trusted: bool) -> bool {
        let paths = Paths { trusted, ..paths::resolve(request).expect("paths") };
        let (events, _) = inbox();
        let files = DownloadFiles::new(request, paths, events).expect("the process is not exiting");
        files.find_sdk_record(request).expect("nobody is in the way");
        files.sdk_record.take().is_some()
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
        assert!(removes_sdk_record(&request, true));
        assert!(!removes_sdk_record(&request, false));

        std::os::unix::fs::symlink("elsewhere", &target).expect("link");
        assert!(!removes_sdk_record(&request, true), "its temp file is not the library's");
    }
}
