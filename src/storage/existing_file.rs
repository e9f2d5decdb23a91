//! A file at the target's path, which may already be what is to be downloaded.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::io::Errno;

use super::file_hasher::FileHasher;
use super::temp_file::open_directory;
use crate::model::crc64::Digest;
use crate::model::error::{Error, Result};
use crate::sys;

/// Which file is at a path, and which of its states: another file, and one that was written to, has another version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileVersion {
    pub device: u64,
    pub file: u64,
    pub size: u64,
    /// Time of the last change, in seconds and nanoseconds.
    pub changed: (i64, i64),
}

impl FileVersion {
    pub fn of(found: &Metadata) -> Self {
        let changed = (found.ctime(), found.ctime_nsec());
        FileVersion { device: found.dev(), file: found.ino(), size: found.size(), changed }
    }

    /// The version of the file at `path`; `None` if there is no regular file, or none that can be looked at.
    pub fn at(path: &Path) -> Option<Self> {
        let found = fs::symlink_metadata(path).ok().filter(Metadata::is_file)?;
        Some(Self::of(&found))
    }
}

/// A regular file that is open for reading and not locked.
#[derive(Debug)]
pub struct ExistingFile {
    file: File,
    path: PathBuf,
}

impl ExistingFile {
    /// Opens the file at `path`; `None` if there is none. Symbolic links are not followed.
    pub fn open(path: &Path) -> Result<Option<Self>> {
        let opened = sys::file::open_for_reading(path);
        let opened = opened.map_err(|error| Error::io("open", path, &error))?;
        Ok(opened.map(|file| ExistingFile { file, path: path.to_owned() }))
    }

    pub fn version(&self) -> Result<FileVersion> {
        let found = self.file.metadata();
        Ok(FileVersion::of(&found.map_err(|error| self.failed("read the size of", &error))?))
    }

    /// Waits until the file and its name are on the disk, and lets later reads show what is there.
    pub fn flush(&self) -> Result<()> {
        self.file.sync_data().map_err(|error| self.failed("flush", &error))?;
        sys::file::drop_cache(&self.file);
        let directory = self.path.parent().map(open_directory).transpose()?.flatten();
        directory.map_or(Ok(()), |directory| {
            let flushed = sys::file::flush_directory(&directory);
            flushed.map_err(|error| self.failed("flush the directory of", &error))
        })
    }

    /// Sets the modification time, unless the file has it.
    pub fn set_modified(&self, time: SystemTime) -> Result<()> {
        let failed = |error| self.failed("set the modification time of", &error);
        if self.file.metadata().and_then(|found| found.modified()).map_err(failed)? == time {
            return Ok(());
        }
        self.file.set_modified(time).map_err(failed)
    }

    /// Appends the first `len` bytes to `hasher`, and returns their CRC-64 after `transform` was applied to them, in
    /// their order; `None` if there are fewer, or if the disk cannot read them. `between` is called before each read with
    /// the number of bytes that have been read; its error is returned. `buffer` must not be empty.
    pub fn hash(
        &self,
        len: u64,
        hasher: &mut FileHasher,
        between: &mut dyn FnMut(u64) -> Result<()>,
        buffer: &mut [u8],
        mut transform: impl FnMut(&mut [u8]) -> Result<()>,
    ) -> Result<Option<u64>> {
        let mut digest = Digest::new();
        let mut done = 0;
        while done < len {
            between(done)?;
            let wanted = usize::try_from(len - done).unwrap_or(usize::MAX).min(buffer.len());
            let block = buffer.get_mut(..wanted).unwrap_or_default();
            let read = match self.file.read_at(block, done) {
                Ok(0) => return Ok(None),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.raw_os_error() == Some(Errno::IO.raw_os_error()) => {
                    return Ok(None);
                }
                Err(error) => return Err(self.failed(&format!("read at {done} of"), &error)),
            };
            let bytes = block.get_mut(..read).unwrap_or_default();
            hasher.update(bytes)?;
            transform(bytes)?;
            digest.update(bytes);
            done += read as u64;
        }
        between(done)?;
        Ok(Some(digest.value()))
    }

    fn failed(&self, action: &str, error: &io::Error) -> Error {
        Error::io(action, &self.path, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::digest::Algorithms;
    use std::time::Duration;

    /// The CRC-64 of the first `len` bytes with each one increased by one.
    fn crc64(file: &ExistingFile, len: u64) -> Option<u64> {
        let mut hasher = FileHasher::new(Algorithms { crc64: true, ..Algorithms::default() });
        let hasher = hasher.as_mut().expect("hasher");
        let mut buffer = [0; 4];
        let increase = |bytes: &mut [u8]| {
            bytes.iter_mut().for_each(|byte| *byte += 1);
            Ok(())
        };
        file.hash(len, hasher, &mut |_| Ok(()), &mut buffer, increase).expect("read")
    }

    #[test]
    fn the_checksum_is_that_of_so_many_bytes_and_there_is_none_of_more() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("file");
        assert!(ExistingFile::open(&path).expect("looked").is_none());
        std::fs::write(&path, "012345678").expect("write");
        let file = ExistingFile::open(&path).expect("opened").expect("there");
        assert_eq!(crc64(&file, 9), Some(0x995d_c9bb_df19_39fa));
        assert_eq!((crc64(&file, 0), crc64(&file, 10)), (Some(0), None));
        assert!(ExistingFile::open(dir.path()).is_err());
    }

    #[test]
    fn another_file_another_length_and_another_time_are_other_versions() {
        let dir = tempfile::tempdir().expect("directory");
        let (path, other) = (dir.path().join("file"), dir.path().join("other"));
        assert_eq!(FileVersion::at(&path), None);
        std::fs::write(&path, "bytes").expect("write");
        let first = FileVersion::at(&path).expect("there");
        let file = ExistingFile::open(&path).expect("opened").expect("there");
        assert_eq!(file.version().expect("looked"), first);
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        file.set_modified(time).expect("own file");
        let changed = FileVersion::at(&path).expect("there");
        file.set_modified(time).expect("it has that time");
        assert_eq!(FileVersion::at(&path), Some(changed));
        std::fs::write(&other, "bytes").expect("write");
        std::fs::rename(&other, &path).expect("rename");
        let replaced = FileVersion::at(&path).expect("there");
        assert!(first.file != replaced.file && changed != replaced);
        assert_eq!(file.version().expect("looked").file, first.file, "it is still open");
    }
}
