//! The journal file: it is opened, locked, replaced as a whole, appended to and removed.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::format::{Header, JournalId, MAX_HEADER, RECORD, Records, Replay};
use crate::model::error::{Error, Result};
use crate::model::extent::Extent;
use crate::model::request::{ByteRange, DownloadRequest};
use crate::storage::paths::Paths;
use crate::sys;
use crate::sys::locked_file::LockedFile;

/// Suffix of a journal's name.
pub const SUFFIX: &str = ".oss-resumable";

/// Permission bits. Checksums of short extents and some ETags reveal bytes of the object, which the target may deny to
/// other users.
const MODE: u32 = 0o600;

/// Suffix that is added while a journal is being written.
const NEW_SUFFIX: &str = ".new";

/// The path of one download's journal: the same object, version, range and target give the same path.
#[derive(Clone, Debug)]
pub struct JournalLocation {
    path: PathBuf,
    identity: Identity,
}

/// The properties that distinguish one download from another.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Identity {
    bucket: String,
    key: String,
    version_id: Option<String>,
    range: ByteRange,
    destination: PathBuf,
}

/// A locked journal of an earlier run.
#[derive(Debug)]
pub struct LockedJournal {
    file: LockedFile,
    /// Its contents; `None` if it is damaged, of an unknown version or of another download.
    pub contents: Option<(Header, Vec<Extent>)>,
}

/// The journal of a running download, locked. Dropping it releases the lock and leaves the file.
#[derive(Debug)]
pub struct Journal {
    file: LockedFile,
    records: Records,
    /// Bytes that are known to be written; the next append overwrites an incomplete one.
    len: u64,
}

impl JournalLocation {
    /// The journal in `directory` for the download of `request` to the absolute path `destination`.
    pub fn new(directory: &Path, request: &DownloadRequest, destination: &Path) -> Self {
        let (bucket, key) = request.identity();
        let identity = Identity {
            bucket,
            key,
            version_id: request.version_id.clone(),
            range: or_whole(request.range),
            destination: destination.to_owned(),
        };
        JournalLocation { path: directory.join(identity.name()), identity }
    }

    /// The journal for the download of `request` to `paths`; `None` if the download has no checkpoint.
    pub fn of(request: &DownloadRequest, paths: &Paths) -> Option<Self> {
        let directory = paths.checkpoint_dir.as_deref()?;
        Some(JournalLocation::new(directory, request, &paths.target))
    }

    /// The journal's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether there is a file at its path that is locked or can be. Without locks nothing shows when the run that has
    /// created it ends.
    pub fn may_be_locked(&self) -> bool {
        match LockedFile::open(&self.path) {
            Ok(found) => found.is_some_and(|file| file.is_locked()),
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        }
    }

    /// Locks and reads the journal of an earlier run; `None` if there is none. `Busy` if another run uses it.
    pub fn lock(&self) -> Result<Option<LockedJournal>> {
        let opened = LockedFile::open(&self.path).map_err(|e| refused("open", &self.path, &e))?;
        Ok(opened.map(|file| LockedJournal { contents: self.read(&file), file }))
    }

    /// Reads the journal without locking it: another run may be using it.
    pub fn read_unlocked(&self) -> Result<Option<(Header, Vec<Extent>)>> {
        let opened = sys::file::open_for_reading(&self.path);
        let opened = opened.map_err(|error| refused("open", &self.path, &error))?;
        Ok(opened.and_then(|file| self.read(&file)))
    }

    /// Writes a new journal and replaces `previous` atomically; without `previous`, `Busy` if another run has created
    /// one meanwhile. Header and extents are on the disk afterwards.
    pub fn start(
        &self,
        previous: Option<&LockedJournal>,
        header: &Header,
        extents: &[Extent],
    ) -> Result<Journal> {
        let journal = self.put(previous, header, extents)?;
        self.flush_directory().inspect_err(|_| {
            if previous.is_none() {
                // Nothing was recorded before, and the bytes that a later run could use are removed. The error of the
                // flush matters more than one of the removal.
                let _ = journal.file.unlink();
            }
        })?;
        Ok(journal)
    }

    /// As [`JournalLocation::start`], but the journal's name may not be on the disk afterwards.
    fn put(
        &self,
        previous: Option<&LockedJournal>,
        header: &Header,
        extents: &[Extent],
    ) -> Result<Journal> {
        let failed = |error: io::Error| refused("write", &self.path, &error);
        let id = sys::random::bytes().map_err(failed)?;
        let mut bytes = header
            .encode(&id)
            .ok_or_else(|| Error::internal("the checkpoint's header does not fit in 64 KiB"))?;
        let records = Records::of(&id);
        records.encode(extents, &mut bytes);

        let mut file = self.create_unfinished()?;
        let in_place = file
            .write_all_at(&bytes, 0)
            .and_then(|()| file.sync_data())
            .and_then(|()| self.put_in_place(&file, previous));
        if let Err(error) = in_place {
            // The first error matters more than one of the removal; the next run removes the file too.
            let _ = file.unlink();
            return Err(failed(error));
        }
        file.moved_to(&self.path);
        Ok(Journal { file, records, len: bytes.len() as u64 })
    }

    fn flush_directory(&self) -> Result<()> {
        let failed = |error: io::Error| refused("write", &self.path, &error);
        if let Some(parent) = self.path.parent()
            && let Some(directory) = sys::file::open_directory(parent).map_err(failed)?
        {
            sys::file::flush_directory(&directory).map_err(failed)?;
        }
        Ok(())
    }

    fn create_unfinished(&self) -> Result<LockedFile> {
        let path = with_suffix(&self.path, NEW_SUFFIX);
        let failed = |error: io::Error| refused("write", &path, &error);
        match LockedFile::create_new(&path, MODE) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            other => return other.map_err(failed),
        }
        // Nobody holds its lock: its run died while writing it.
        if let Some(abandoned) = LockedFile::open(&path).map_err(failed)? {
            abandoned.unlink().map_err(failed)?;
        }
        LockedFile::create_new(&path, MODE).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Error::busy(&self.path),
            _ => failed(error),
        })
    }

    fn put_in_place(&self, file: &LockedFile, previous: Option<&LockedJournal>) -> io::Result<()> {
        match previous {
            Some(locked) if locked.file.is_in_place()? => fs::rename(file.path(), &self.path),
            // The locked file is gone: a file at this path, if any, is another run's.
            _ => {
                sys::file::rename_new(file.path(), &self.path).map_err(|error| match error.kind() {
                    io::ErrorKind::AlreadyExists => io::ErrorKind::WouldBlock.into(),
                    _ => error,
                })
            }
        }
    }

    /// The contents of `file` if it is this download's journal. A journal that the disk cannot read counts as absent.
    fn read(&self, file: &File) -> Option<(Header, Vec<Extent>)> {
        let mut start = Vec::new();
        file.take(MAX_HEADER as u64).read_to_end(&mut start).ok()?;
        let (header, id, len) = Header::decode(&start)?;
        if !self.identity.is_of(&header) {
            return None;
        }
        let extents = replay(file, len as u64, &header, &id);
        Some((header, extents))
    }
}

impl LockedJournal {
    /// Removes the journal while it is locked.
    pub fn discard(self) -> Result<()> {
        self.file.unlink().map_err(|error| refused("remove", self.file.path(), &error))
    }
}

impl Journal {
    /// Appends records of extents whose bytes have been written, in one write regardless of the journal's length.
    ///
    /// The write is not flushed: if a power failure loses a record, its bytes are fetched again; if it loses the bytes,
    /// their checksum will differ.
    pub fn append(&mut self, extents: &[Extent]) -> Result<()> {
        let mut bytes = Vec::new();
        self.records.encode(extents, &mut bytes);
        let written = self.file.write_all_at(&bytes, self.len);
        written.map_err(|error| refused("append to", self.file.path(), &error))?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Replaces this journal with a new one of `header` and `extents`. This one is no longer true: if it cannot be
    /// replaced it is removed, and the reason is in the Ok. An error means that it is still there.
    pub fn rewrite(
        self,
        location: &JournalLocation,
        header: &Header,
        extents: &[Extent],
    ) -> Result<std::result::Result<Journal, Error>> {
        let previous = LockedJournal { file: self.file, contents: None };
        let journal = match location.put(Some(&previous), header, extents) {
            Ok(journal) => journal,
            Err(error) => {
                previous.discard()?;
                return Ok(Err(error));
            }
        };
        if let Err(error) = location.flush_directory() {
            // The new journal is in place and would not be kept up to date.
            journal.remove()?;
            return Ok(Err(error));
        }
        Ok(Ok(journal))
    }

    /// Removes the journal while it is locked.
    pub fn remove(self) -> Result<()> {
        LockedJournal { file: self.file, contents: None }.discard()
    }
}

impl Identity {
    fn is_of(&self, header: &Header) -> bool {
        let identity = Identity {
            bucket: header.bucket.clone(),
            key: header.key.clone(),
            version_id: header.version_id.clone(),
            range: or_whole(header.requested),
            destination: header.destination.clone(),
        };
        *self == identity
    }

    /// Thirty-two hexadecimal digits of a SHA-256 over the fields, each preceded by its length.
    fn name(&self) -> String {
        let version = self.version_id.as_deref();
        let mut bytes = Vec::new();
        for field in [
            self.bucket.as_bytes(),
            self.key.as_bytes(),
            version.unwrap_or_default().as_bytes(),
            self.destination.as_os_str().as_bytes(),
        ] {
            bytes.extend((field.len() as u64).to_le_bytes());
            bytes.extend(field);
        }
        bytes.push(u8::from(version.is_some()));
        bytes.extend(self.range.start.to_le_bytes());
        bytes.extend(self.range.end.to_le_bytes());
        let digest = openssl::sha::sha256(&bytes);
        let digits: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        digits + SUFFIX
    }
}

/// No range and the range of all bytes are equivalent.
fn or_whole(range: Option<ByteRange>) -> ByteRange {
    range.unwrap_or(ByteRange { start: 0, end: -1 })
}

/// The extents recorded from `start` up to the file's end or the first invalid record.
fn replay(mut file: &File, start: u64, header: &Header, id: &JournalId) -> Vec<Extent> {
    let mut replay = Replay::new(header, id);
    if file.seek(SeekFrom::Start(start)).is_ok() {
        let mut reader = BufReader::with_capacity(MAX_HEADER, file);
        let mut record = [0; RECORD];
        while reader.read_exact(&mut record).is_ok() && replay.push(&record) {}
    }
    replay.into_extents()
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(OsStr::new(suffix));
    path.with_file_name(name)
}

fn refused(action: &str, path: &Path, error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::WouldBlock => Error::busy(path),
        _ => Error::io(&format!("{action} the checkpoint"), path, error),
    }
}

#[cfg(test)]
mod tests;
