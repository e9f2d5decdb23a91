//! The manifest file: which files of the directory are whole objects. It is opened, locked, appended to and replaced.

pub mod format;

use std::collections::HashMap;
use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::model::error::{Error, ErrorKind, Result};
use crate::sys;
use crate::sys::locked_file::LockedFile;

use format::{FileRecord, HEADER, ManifestId};

/// Suffix that is added while a manifest is being written.
const NEW_SUFFIX: &str = ".new";
/// Permission bits: as a checkpoint, it reveals names and checksums that the files may deny to others.
const MODE: u32 = 0o600;
const READ_BUFFER: usize = 256 * 1024;
/// A manifest is written anew when it has this number of records that are of no use, and they are the most.
const MANY: u64 = 1000;

/// A locked manifest. Dropping it releases the lock and leaves the file.
#[derive(Debug)]
pub struct Manifest {
    file: LockedFile,
    id: ManifestId,
    hasher: RandomState,
    /// Offset and length of the last record of each path, by the path's hash. What is read there says its path.
    index: HashMap<u64, (u64, u32)>,
    /// Records in the file, those that later ones have replaced included.
    records: u64,
    /// Where the next record is written.
    end: u64,
}

impl Manifest {
    /// Opens and locks the manifest at `path`, or creates it. `Busy` if another run has locked it. Its records are not
    /// known before [`Manifest::load`].
    pub fn open(path: &Path, directory: &Path) -> Result<Self> {
        let (file, _) =
            LockedFile::open_or_create(path, MODE).map_err(|error| match error.kind() {
                io::ErrorKind::WouldBlock => busy(path, directory),
                _ => failed("open", path, &error),
            })?;
        let (id, hasher, index) = (ManifestId::default(), RandomState::new(), HashMap::new());
        Ok(Manifest { file, id, hasher, index, records: 0, end: 0 })
    }

    /// Reads the records. A manifest that is damaged at its start, or of another version, is emptied: the files are then
    /// compared with their objects.
    pub fn load(&mut self) -> Result<()> {
        let path = self.file.path().to_owned();
        let reading = |error: io::Error| failed("read", &path, &error);
        let len = self.file.metadata().map_err(reading)?.len();
        let mut header = [0; HEADER];
        let id = match self.file.read_exact_at(&mut header, 0) {
            Ok(()) => format::decode_header(&header),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => None,
            Err(error) => return Err(reading(error)),
        };
        match id {
            Some(id) => {
                (self.id, self.end) = (id, HEADER as u64);
                self.replay(len).map_err(reading)?;
                // What is behind the last record was not written completely.
                self.file.set_len(self.end).map_err(reading)
            }
            None => self.begin().map_err(|error| failed("write", &path, &error)),
        }
    }

    fn begin(&mut self) -> io::Result<()> {
        self.id = sys::random::bytes()?;
        self.file.set_len(0)?;
        self.file.write_all_at(&format::encode_header(&self.id), 0)?;
        self.end = HEADER as u64;
        Ok(())
    }

    fn replay(&mut self, len: u64) -> io::Result<()> {
        let mut file: &File = &self.file;
        file.seek(SeekFrom::Start(self.end))?;
        let mut reader = BufReader::with_capacity(READ_BUFFER, file);
        let mut found = Vec::new();
        let (mut at, mut record) = (self.end, Vec::new());
        while let Some(record_len) = next_record(&mut reader, at, len, &mut record)? {
            // A record that is damaged is skipped: the others have checksums of their own.
            if let Some(read) = FileRecord::decode(&record, &self.id) {
                found.push((self.hash(&read.path), at, record_len));
            }
            at += u64::from(record_len);
        }
        for (hash, at, record_len) in found {
            self.index.insert(hash, (at, record_len));
            self.records += 1;
            self.end = at + u64::from(record_len);
        }
        Ok(())
    }

    fn hash(&self, path: &str) -> u64 {
        self.hasher.hash_one(path)
    }

    /// The record of a file; `None` if there is none or it cannot be read.
    pub fn find(&self, path: &str) -> Option<FileRecord> {
        let (at, len) = *self.index.get(&self.hash(path))?;
        self.read(at, len).filter(|record| record.path == path)
    }

    fn read(&self, at: u64, len: u32) -> Option<FileRecord> {
        let mut bytes = vec![0; usize::try_from(len).ok()?];
        self.file.read_exact_at(&mut bytes, at).ok()?;
        FileRecord::decode(&bytes, &self.id)
    }

    /// Appends a record, which replaces the earlier one of its path, in one write that is not flushed.
    pub fn put(&mut self, record: &FileRecord) -> Result<()> {
        let bytes = record
            .encode(&self.id)
            .ok_or_else(|| Error::internal("a file has too many extents for the manifest"))?;
        let written = self.file.write_all_at(&bytes, self.end);
        written.map_err(|error| failed("append to", self.file.path(), &error))?;
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.index.insert(self.hash(&record.path), (self.end, len));
        self.end += bytes.len() as u64;
        self.records += 1;
        Ok(())
    }

    /// Writes the manifest anew if most of its records are of no use: those that later ones have replaced, and those that
    /// `keep` does not want.
    pub fn compact(&mut self, keep: &dyn Fn(&FileRecord) -> bool) -> Result<()> {
        let mut places: Vec<_> = self.index.values().copied().collect();
        places.sort_unstable();
        places.retain(|(at, len)| self.read(*at, *len).is_some_and(|record| keep(&record)));
        let useless = self.records - places.len() as u64;
        if useless < MANY || useless < places.len() as u64 {
            return Ok(());
        }
        let path = self.file.path().to_owned();
        self.replace(&path, &places).map_err(|error| failed("write", &path, &error))
    }

    fn replace(&mut self, path: &Path, places: &[(u64, u32)]) -> io::Result<()> {
        let new = new_path(path);
        // This run has the manifest's lock, so that no other run is writing there.
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let (index, hasher) = (HashMap::new(), self.hasher.clone());
        let file = LockedFile::create_new(&new, MODE)?;
        let mut written = Manifest { file, id: self.id, hasher, index, records: 0, end: 0 };
        written.begin()?;
        for (at, len) in places {
            if let Some(record) = self.read(*at, *len) {
                written
                    .put(&record)
                    .map_err(|error| io::Error::other(error.message().to_owned()))?;
            }
        }
        written.file.sync_data()?;
        fs::rename(&new, path)?;
        written.file.moved_to(path);
        *self = written;
        Ok(())
    }

    /// Writes what was appended to the disk.
    pub fn flush(&self) -> Result<()> {
        self.file.sync_data().map_err(|error| failed("flush", self.file.path(), &error))
    }

    /// Removes the manifest if it has no records.
    pub fn remove_if_empty(self) {
        if self.records == 0 {
            // What is left has no effect.
            let _ = self.file.unlink();
        }
    }
}

/// Reads the next record, valid or not, into `record`; `None` where none is complete.
fn next_record(
    reader: &mut impl Read,
    at: u64,
    len: u64,
    record: &mut Vec<u8>,
) -> io::Result<Option<u32>> {
    let mut start = [0; 4];
    match reader.read_exact(&mut start) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let Some(record_len) = format::record_len(start) else { return Ok(None) };
    if at + record_len as u64 > len {
        return Ok(None);
    }
    record.clear();
    record.resize(record_len, 0);
    let (first, rest) = record.split_at_mut(start.len());
    first.copy_from_slice(&start);
    reader.read_exact(rest)?;
    Ok(u32::try_from(record_len).ok())
}

fn new_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(NEW_SUFFIX);
    path.with_file_name(name)
}

fn failed(action: &str, path: &Path, error: &io::Error) -> Error {
    Error::io(&format!("{action} the manifest"), path, error)
}

fn busy(path: &Path, directory: &Path) -> Error {
    let message = format!(
        "another run is already downloading to the directory '{}': '{}' is locked; wait for that run or choose another directory",
        directory.display(),
        path.display()
    );
    Error::new(ErrorKind::Busy, "Busy", message).with_path(path)
}

#[cfg(test)]
mod tests;
