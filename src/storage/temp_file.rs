//! The temporary file: where bytes land, and how it becomes the target once they are proven.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use parking_lot::Mutex;
use rustix::io::Errno;

use crate::sync::atomic::{AtomicBool, Ordering};

use super::temp_name;
use crate::model::crc64::Digest;
use crate::model::error::{Error, ErrorKind, Result};
use crate::model::extent::Extent;
use crate::sys;
use crate::sys::locked_file::LockedFile;

/// The unit of `st_blocks`.
const BLOCK: u64 = 512;

/// A download's temporary file, locked against other runs. Reads and writes are positioned and may come from
/// several threads at once. Dropping it releases the lock and leaves the file.
#[derive(Debug)]
pub struct TempFile {
    file: LockedFile,
    /// Held during a write. File systems let one write into a file at a time and keep the others spinning on
    /// the processor; here they sleep.
    writing: Mutex<Length>,
}

/// What a run knows of its file's length.
#[derive(Debug, Default)]
struct Length {
    /// As long as this run has seen or made it.
    reached: u64,
    /// It was shorter than that: somebody else has cut it, and what was written may be zeros now.
    cut: bool,
}

/// How [`TempFile::finish`] makes the file the target.
#[derive(Clone, Copy, Debug)]
pub struct FinishOptions {
    /// Wait until bytes and names are on the disk.
    pub flush: bool,
    /// The file's modification time; `None` leaves it.
    pub modified: Option<SystemTime>,
    /// Replace an existing target; otherwise it is `FileAlreadyExists`.
    pub replace: bool,
}

impl TempFile {
    /// Opens the file an earlier run left at `path`; `None` when nothing is there.
    ///
    /// `Busy` when another run holds it; `LocalIoError` for a symbolic link or anything that is no regular file.
    pub fn open_existing(path: &Path) -> Result<Option<Self>> {
        let opened = LockedFile::open(path).map_err(|error| refused("open", path, &error))?;
        opened.map(TempFile::of).transpose()
    }

    /// Makes the file at `path`, or empties the one an earlier run left there.
    ///
    /// Where the file system grants no locks the name gets a random suffix: see [`TempFile::path`].
    /// Errors as for [`TempFile::open_existing`].
    pub fn create(path: &Path) -> Result<Self> {
        let failed = |error: io::Error| refused("create", path, &error);
        let (file, made) = LockedFile::open_or_create(path).map_err(failed)?;
        if !file.is_locked() {
            if made {
                file.unlink().map_err(failed)?;
            }
            return Self::create_new(&with_random_suffix(path).map_err(failed)?);
        }
        if made {
            return Ok(TempFile::empty(file));
        }
        let temp = TempFile::of(file)?;
        temp.clear()?;
        Ok(temp)
    }

    /// Makes the file at `path`, a name that no other run knows.
    pub fn create_new(path: &Path) -> Result<Self> {
        LockedFile::create_new(path).map(TempFile::empty).map_err(|e| refused("create", path, &e))
    }

    /// Makes the file this run's alone where no lock does: moves it to `path`, a name that no other run knows.
    /// `Busy` when another run has done so or has made it the target.
    pub fn claim(mut self, path: &Path) -> Result<Self> {
        let former = self.path().to_owned();
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => Error::busy(&former),
            _ => refused("rename", &former, &error),
        };
        fs::rename(&former, path).map_err(failed)?;
        self.file.moved_to(path);
        // What was moved may be another run's new file and not the one that was opened.
        if self.file.is_in_place().map_err(failed)? { Ok(self) } else { Err(Error::busy(&former)) }
    }

    fn empty(file: LockedFile) -> Self {
        TempFile { file, writing: Mutex::default() }
    }

    fn of(file: LockedFile) -> Result<Self> {
        let temp = TempFile::empty(file);
        temp.writing.lock().reached = temp.len()?;
        Ok(temp)
    }

    /// Empties the file. One that is empty is left alone: after a truncation ext4 writes everything out at the
    /// close, whether or not that was asked for.
    pub fn clear(&self) -> Result<()> {
        if self.len()? == 0 { Ok(()) } else { self.set_len(0) }
    }

    /// Where the file is; its name belongs in the checkpoint.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Whether the system keeps other runs out. Without a lock the whole file is read back before it is trusted.
    pub fn is_locked(&self) -> bool {
        self.file.is_locked()
    }

    /// Bytes in the file, holes included.
    pub fn len(&self) -> Result<u64> {
        let metadata = self.file.metadata();
        Ok(metadata.map_err(|error| self.failed("look at", &error))?.len())
    }

    /// Cuts the file, or lengthens it by a hole.
    pub fn set_len(&self, len: u64) -> Result<()> {
        let mut length = self.writing.lock();
        self.file
            .set_len(len)
            .map_err(|e| self.failed(&format!("set {len} bytes as the length of"), &e))?;
        length.reached = len;
        Ok(())
    }

    /// Whether the file was ever found shorter than this run had made it.
    pub fn was_cut(&self) -> Result<bool> {
        let mut length = self.writing.lock();
        self.compare(&mut length)?;
        Ok(length.cut)
    }

    fn compare(&self, length: &mut Length) -> Result<()> {
        length.cut |= self.len()? < length.reached;
        Ok(())
    }

    /// Reserves disk blocks for `len` bytes and makes the file that long. Does nothing where the file system
    /// cannot reserve; `DiskFull` where there is no room.
    pub fn preallocate(&self, len: u64) -> Result<()> {
        const CANNOT: [Errno; 3] = [Errno::OPNOTSUPP, Errno::NOSYS, Errno::INVAL];
        match sys::file::allocate(&self.file, len) {
            Err(e) if CANNOT.iter().any(|errno| e.raw_os_error() == Some(errno.raw_os_error())) => {
                Ok(())
            }
            other => other.map_err(|e| self.out_of_space(&format!("reserve {len} bytes for"), &e)),
        }
    }

    /// Checks that the file can become `final_len` bytes long: `DiskFull` says how many are missing.
    /// Blocks the file has already count as free.
    pub fn check_space(&self, final_len: u64) -> Result<()> {
        let looked = |error: io::Error| self.failed("look at the free space for", &error);
        let allocated = self.file.metadata().map_err(looked)?.blocks().saturating_mul(BLOCK);
        let Some(free) = sys::file::free_space(&self.file).map_err(looked)? else { return Ok(()) };
        let missing = final_len.saturating_sub(allocated).saturating_sub(free);
        if missing == 0 {
            return Ok(());
        }
        let action = format!("find room for {final_len} bytes for");
        let error = self.failed(&action, &Errno::NOSPC.into());
        Err(error.with_context(&format!("; {missing} bytes more must be free")))
    }

    /// Writes all of `bytes` at `offset` in the file. After an error any part of them may be in the file.
    /// `DiskFull` says how much is missing.
    pub fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        let mut length = self.writing.lock();
        // Afterwards the file may be as long again as it was, with a hole in it.
        self.compare(&mut length)?;
        self.file.write_all_at(bytes, offset).map_err(|error| {
            self.out_of_space(&format!("write {} bytes at {offset} of", bytes.len()), &error)
        })?;
        length.reached = length.reached.max(offset.saturating_add(bytes.len() as u64));
        Ok(())
    }

    /// Reads some bytes at `offset` in the file; 0 at the end of the file.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        loop {
            match self.file.read_at(buffer, offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => {
                    return other.map_err(|e| self.failed(&format!("read at {offset} of"), &e));
                }
            }
        }
    }

    /// Starts writing a run of bytes to the disk, so that little is left for the flush at the end.
    pub fn start_writeback(&self, offset: u64, len: u64) {
        sys::file::start_writeback(&self.file, offset, len);
    }

    /// Whether the extent's bytes, which are at `offset` in the file, have its checksum.
    ///
    /// Bytes beyond the file's end and bytes the disk cannot read do not. Reads through `buffer`, which must not
    /// be empty; ends with `Cancelled` soon after the flag is set. What is read goes through `transform` in its order before
    /// it is hashed.
    pub fn prove(
        &self,
        extent: &Extent,
        offset: u64,
        cancelled: &AtomicBool,
        buffer: &mut [u8],
        mut transform: impl FnMut(&mut [u8]) -> Result<()>,
    ) -> Result<bool> {
        let mut digest = Digest::new();
        let mut done = 0;
        while done < extent.len {
            if cancelled.load(Ordering::Relaxed) {
                return Err(Error::new(
                    ErrorKind::Cancelled,
                    "Cancelled",
                    "the download was cancelled",
                ));
            }
            let wanted = usize::try_from(extent.len - done).unwrap_or(usize::MAX).min(buffer.len());
            let Some(chunk) = buffer.get_mut(..wanted) else { return Ok(false) };
            let read = match self.read_at(chunk, offset.saturating_add(done)) {
                Err(error) if error.errno() == Some(Errno::IO.raw_os_error()) => return Ok(false),
                other => other?,
            };
            let Some(bytes) = chunk.get_mut(..read).filter(|bytes| !bytes.is_empty()) else {
                return Ok(false);
            };
            transform(bytes)?;
            digest.update(bytes);
            done += bytes.len() as u64;
        }
        Ok(digest.value() == extent.crc)
    }

    /// Makes the file the target, in one step: whoever opens `target` finds the old file or the whole new one.
    ///
    /// A failed flush is final: the kernel may have dropped the bytes it could not write and report success
    /// next time. `FlushError` then, and when closing the file reports what a flush would have. `RenameError` when
    /// the target cannot be replaced, `FileAlreadyExists` when it must not be.
    ///
    /// After an error the target is as it was, but for a `FlushError` of its directory: that tells that the new
    /// file is in place and a power failure may bring the old one back.
    pub fn finish(&self, target: &Path, options: &FinishOptions) -> Result<()> {
        if let Some(time) = options.modified {
            self.file
                .set_modified(time)
                .map_err(|e| self.failed("set the modification time of", &e))?;
        }
        if options.flush {
            self.file.sync_data().map_err(|error| self.unflushed("flush", &error))?;
        }
        // What closing would report, without giving up the descriptor and its lock.
        let duplicate = self.file.try_clone().map_err(|e| self.failed("open once more", &e))?;
        sys::file::close(duplicate).map_err(|error| self.unflushed("close", &error))?;
        // Before the rename: what can fail is to fail while the target is the old one.
        let directory = if options.flush { target.parent().map(open_directory) } else { None };
        let directory = directory.transpose()?.flatten();
        self.rename(target, options.replace)?;
        let Some(directory) = directory else { return Ok(()) };
        sys::file::flush_directory(&directory).map_err(|error| {
            let failed =
                Error::io("flush the directory of", target, &error).with_code("FlushError");
            failed.with_context("; the new file is in place, but a power failure may undo that")
        })
    }

    /// What the disk has of the file is unknown.
    fn unflushed(&self, action: &str, error: &io::Error) -> Error {
        self.failed(action, error).with_code("FlushError")
    }

    fn rename(&self, target: &Path, replace: bool) -> Result<()> {
        let action = format!("rename '{}' to", self.path().display());
        let failed = |e: io::Error| Error::io(&action, target, &e).with_code("RenameError");
        if !self.file.is_in_place().map_err(failed)? {
            return Err(failed(io::Error::other(
                "another program has replaced or removed the temporary file",
            )));
        }
        if replace {
            return fs::rename(self.path(), target).map_err(failed);
        }
        sys::file::rename_new(self.path(), target).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => already_exists(target),
            _ => failed(error),
        })
    }

    /// Removes the file, unless another one has taken its place.
    pub fn remove(&self) -> Result<()> {
        self.file.unlink().map_err(|error| self.failed("remove", &error))
    }

    fn failed(&self, action: &str, error: &io::Error) -> Error {
        Error::io(action, self.path(), error)
    }

    /// [`TempFile::failed`], which tells what is missing when the disk is full.
    fn out_of_space(&self, action: &str, error: &io::Error) -> Error {
        let failed = self.failed(action, error);
        match (failed.code(), holes(&self.file)) {
            ("DiskFull", Some(holes)) => failed.with_context(&format!(
                "; {holes} bytes of the file have no place on the disk yet, free that much and try again"
            )),
            _ => failed,
        }
    }
}

/// `path`, a temporary file's, with a name that no other run knows.
pub fn with_random_suffix(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().unwrap_or_default();
    Ok(path.with_file_name(temp_name::with_suffix(name, sys::random::suffix()?)))
}

fn open_directory(path: &Path) -> Result<Option<File>> {
    sys::file::open_directory(path).map_err(|error| Error::io("open the directory", path, &error))
}

/// The target is there and must not be replaced.
pub fn already_exists(target: &Path) -> Error {
    Error::io("create", target, &Errno::EXIST.into()).with_code("FileAlreadyExists")
}

/// Bytes of the file's length for which it has no disk blocks.
fn holes(file: &File) -> Option<u64> {
    let metadata = file.metadata().ok()?;
    Some(metadata.len().saturating_sub(metadata.blocks().saturating_mul(BLOCK))).filter(|&n| n > 0)
}

fn refused(action: &str, path: &Path, error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::WouldBlock => Error::busy(path),
        _ => Error::io(&format!("{action} the temporary file"), path, error),
    }
}

#[cfg(test)]
mod tests;
