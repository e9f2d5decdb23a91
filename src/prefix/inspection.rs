//! Reads a file that was written by an earlier run and may have changed: what is left of it needs not be fetched again. It
//! works in short steps, so that the run can look after its downloads in between.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::manifest::format::{FileRecord, FileState};
use super::plan::Index;
use super::tree::state_of;
use crate::checkpoint::format::Header;
use crate::checkpoint::journal::JournalLocation;
use crate::model::crc64::Digest;
use crate::model::error::{Error, Result};
use crate::model::extent::Extent;
use crate::model::pinning::Pinning;
use crate::model::request::DownloadRequest;
use crate::storage::paths::Paths;
use crate::storage::temp_file::TempFile;
use crate::sys;

/// Bytes that are read in one step.
const STEP: usize = 4 * 1024 * 1024;

/// A file that is being read.
pub struct Inspection {
    pub index: Index,
    pub record: FileRecord,
    request: DownloadRequest,
    paths: Paths,
    file: File,
    /// The file when reading began.
    state: FileState,
    work: Work,
    /// Extents whose bytes are in the file.
    sound: Vec<Extent>,
}

enum Work {
    /// Extents up to this one have been compared, and of it so many bytes.
    Compare { extent: usize, done: u64, digest: Digest },
    /// Sound extents up to this one have been copied, and of it so many bytes.
    Copy { temp: TempFile, extent: usize, done: u64 },
}

/// What a step has found.
pub enum Found {
    /// There is more to do.
    Nothing,
    /// The file is the object, and in this state.
    Same(FileState),
    /// It is not: its sound bytes, if there are any, are in a checkpoint of the download, which can start now.
    Damaged,
}

impl Inspection {
    /// For the file of an object, which `request` would download to `paths`.
    pub fn new(
        (index, record): (Index, FileRecord),
        (request, paths): (DownloadRequest, Paths),
        file: File,
    ) -> Result<Self> {
        let state = state_of(&file)
            .map_err(|error| Error::io("read the metadata of", &paths.target, &error))?;
        // What is on the disk counts, not what the page cache has of it.
        sys::file::drop_cache(&file);
        let work = Work::Compare { extent: 0, done: 0, digest: Digest::new() };
        Ok(Inspection { index, record, request, paths, file, state, work, sound: Vec::new() })
    }

    /// The request and the paths of the download that has to follow.
    pub fn into_download(self) -> (DownloadRequest, Paths) {
        (self.request, self.paths)
    }

    /// Writes the file's bytes to the disk, whoever has changed it.
    pub fn flush(&self) -> Result<()> {
        self.file
            .sync_data()
            .map_err(|error| Error::io("flush", &self.paths.target, &error).with_code("FlushError"))
    }

    /// Reads some bytes, or copies some.
    pub fn step(&mut self, buffer: &mut Vec<u8>) -> Result<Found> {
        buffer.resize(STEP, 0);
        match &self.work {
            Work::Compare { .. } if self.record.is_decrypted => {
                // The file's bytes are not those that the checksums are of. The download compares them.
                let end = self.state.size;
                let fits = self.record.extents.iter().filter(|extent| extent.end() <= end);
                self.sound = fits.copied().collect();
                self.begin_copy()
            }
            Work::Compare { .. } => self.compare(buffer),
            Work::Copy { .. } => self.copy(buffer),
        }
    }

    fn compare(&mut self, buffer: &mut [u8]) -> Result<Found> {
        let Work::Compare { extent, done, digest } = &mut self.work else {
            return Ok(Found::Nothing);
        };
        let Some(current) = self.record.extents.get(*extent).copied() else {
            return self.after_comparison();
        };
        let wanted = usize::try_from(current.len - *done).unwrap_or(usize::MAX).min(buffer.len());
        let part = buffer.get_mut(..wanted).unwrap_or_default();
        let read = read_at(&self.file, part, current.offset + *done);
        digest.update(part.get(..read).unwrap_or_default());
        *done += read as u64;
        if read == 0 || *done == current.len {
            if *done == current.len && digest.value() == current.crc {
                self.sound.push(current);
            }
            (*extent, *done, *digest) = (*extent + 1, 0, Digest::new());
        }
        Ok(Found::Nothing)
    }

    fn after_comparison(&mut self) -> Result<Found> {
        let state = state_of(&self.file)
            .map_err(|error| Error::io("read the metadata of", &self.paths.target, &error))?;
        let is_whole = self.sound.len() == self.record.extents.len()
            && state.size == self.record.object_size
            && state == self.state;
        if is_whole { Ok(Found::Same(state)) } else { self.begin_copy() }
    }

    /// The sound bytes go to the temporary file of the download, so that the old file stays until the new one is whole.
    fn begin_copy(&mut self) -> Result<Found> {
        let has_etag = self.record.etag.is_some();
        if self.sound.is_empty() || !has_etag || self.has_progressed()? {
            return Ok(Found::Damaged);
        }
        let temp = self.paths.create_temp()?;
        self.work = Work::Copy { temp, extent: 0, done: 0 };
        Ok(Found::Nothing)
    }

    /// Whether an earlier run has begun to fetch this object, and left its checkpoint.
    fn has_progressed(&self) -> Result<bool> {
        let Some(location) = JournalLocation::of(&self.request, &self.paths) else {
            return Ok(true);
        };
        let contents = location.lock()?.and_then(|journal| journal.contents);
        Ok(contents.is_some_and(|(header, _)| {
            Some(&header.etag) == self.record.etag.as_ref()
                && header.object_size == self.record.object_size
        }))
    }

    fn copy(&mut self, buffer: &mut [u8]) -> Result<Found> {
        let Work::Copy { temp, extent, done } = &mut self.work else { return Ok(Found::Nothing) };
        let Some(current) = self.sound.get(*extent).copied() else {
            return self.record_copied().map(|()| Found::Damaged);
        };
        let wanted = usize::try_from(current.len - *done).unwrap_or(usize::MAX).min(buffer.len());
        let part = buffer.get_mut(..wanted).unwrap_or_default();
        let read = read_at(&self.file, part, current.offset + *done);
        temp.write_at(part.get(..read).unwrap_or_default(), current.offset + *done)?;
        *done += read as u64;
        if read == 0 || *done == current.len {
            // Bytes that are missing now will not have the checksum.
            (*extent, *done) = (*extent + 1, 0);
        }
        Ok(Found::Nothing)
    }

    /// Writes the checkpoint from which the download goes on.
    fn record_copied(&mut self) -> Result<()> {
        let (Work::Copy { temp, .. }, Some(header)) = (&self.work, self.header()) else {
            return Ok(());
        };
        let header =
            Header { temp_name: temp.path().file_name().unwrap_or_default().to_owned(), ..header };
        let Some(location) = JournalLocation::of(&self.request, &self.paths) else { return Ok(()) };
        let previous = location.lock()?;
        // The file may have shrunk meanwhile.
        let len = temp.len()?;
        self.sound.retain(|extent| extent.end() <= len);
        location.start(previous.as_ref(), &header, &self.sound).map(drop)
    }

    fn header(&self) -> Option<Header> {
        let record = &self.record;
        let etag = record.etag.clone()?;
        let is_weak = etag.starts_with("W/");
        if is_weak && record.object_crc64.is_none() {
            return None;
        }
        Some(Header {
            bucket: record.bucket.clone(),
            key: record.key.clone(),
            version_id: None,
            object_version_id: record.version_id.clone(),
            etag,
            object_size: record.object_size,
            object_crc64: record.object_crc64,
            last_modified: record.last_modified.clone(),
            pinning: if is_weak { Pinning::Comparison } else { Pinning::IfMatch },
            requested: None,
            range: 0..record.object_size,
            destination: self.paths.target.clone(),
            temp_name: Default::default(),
        })
    }
}

/// Reads some bytes; none at the end, and where the disk cannot read.
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> usize {
    loop {
        match file.read_at(buffer, offset) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other.unwrap_or(0),
        }
    }
}
