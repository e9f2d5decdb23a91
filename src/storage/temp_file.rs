//! The temporary file: bytes are written to it, and it is renamed to the target once they are verified.

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use parking_lot::Mutex;
use rustix::io::Errno;

use crate::sync::atomic::{AtomicBool, Ordering};

use self::direct::Direct;
use super::rights::Rights;
use super::temp_name;
use crate::model::crc64::Digest;
use crate::model::error::{Error, ErrorKind, Result};
use crate::model::extent::Extent;
use crate::sys;
use crate::sys::locked_file::LockedFile;

mod direct;
mod inherit;

/// The unit of `st_blocks`.
const BLOCK: u64 = 512;

/// A download's temporary file, locked against other runs. Reads and writes are positioned and may come from
/// several threads at once. Dropping it releases the lock and leaves the file.
#[derive(Debug)]
pub struct TempFile {
    file: LockedFile,
    /// Held during a buffered write. File systems let one of those at a time into a file and keep the others spinning on
    /// the processor; here they sleep.
    writing: Mutex<Length>,
    direct: Direct,
    /// No write begins any more.
    stopped: AtomicBool,
    /// The file existed before this run.
    was_there: bool,
    /// The rights of the file that is to be replaced, as they were when this run created or claimed this file.
    replaced: Option<Rights>,
}

/// The file's length as far as this run knows it.
#[derive(Debug, Default)]
struct Length {
    /// Length that this run has seen or set.
    reached: u64,
    /// The file was once shorter than that: another process has truncated it, and written bytes may be zeros now.
    cut: bool,
}

/// How [`TempFile::finish`] renames the file to the target.
#[derive(Clone, Copy, Debug)]
pub struct FinishOptions {
    /// Wait until the file's bytes and the directory entries are on the disk.
    pub flush: bool,
    /// The file's new modification time; `None`: unchanged.
    pub modified: Option<SystemTime>,
    /// Replace an existing target; otherwise it causes `FileAlreadyExists`.
    pub replace: bool,
}

impl TempFile {
    /// Opens the file that an earlier run left at `path`; `None` if there is none.
    ///
    /// `Busy` if another run has locked it; `LocalIoError` for a symbolic link or anything that is not a regular file.
    pub fn open_existing(path: &Path) -> Result<Option<Self>> {
        let opened = LockedFile::open(path).map_err(|error| refused("open", path, &error))?;
        opened.map(TempFile::of).transpose()
    }

    /// Creates the file at `path`, or empties the one that an earlier run left there. `replaced`: the rights of the
    /// file that it is to replace, if there is one. From its creation on, the new file grants nobody more rights.
    ///
    /// The name gets a random suffix where the file system has no locks, and if there is a file that may be open to
    /// users who may not open the new one ([`TempFile::may_replace`]): see [`TempFile::path`]. Errors as for
    /// [`TempFile::open_existing`].
    pub fn create(path: &Path, replaced: Option<Rights>) -> Result<Self> {
        let failed = |error: io::Error| refused("create", path, &error);
        let mode = inherit::first_mode(replaced.as_ref());
        let (file, made) = LockedFile::open_or_create(path, mode).map_err(failed)?;
        if !file.is_locked() {
            if made {
                file.unlink().map_err(failed)?;
            }
            return Self::create_new(&with_random_suffix(path).map_err(failed)?, replaced);
        }
        if made {
            return Self::made(file, replaced);
        }
        let mut temp = TempFile::of(file)?;
        if !temp.may_replace(replaced.as_ref())? {
            // In a sticky directory this process may not remove it.
            let _ = temp.remove();
            return Self::create_new(&with_random_suffix(path).map_err(failed)?, replaced);
        }
        temp.protect(replaced)?;
        temp.clear()?;
        Ok(temp)
    }

    /// Creates the file at `path`, a name that no other run knows. Otherwise as [`TempFile::create`].
    pub fn create_new(path: &Path, replaced: Option<Rights>) -> Result<Self> {
        let made = LockedFile::create_new(path, inherit::first_mode(replaced.as_ref()));
        Self::made(made.map_err(|error| refused("create", path, &error))?, replaced)
    }

    fn made(file: LockedFile, replaced: Option<Rights>) -> Result<Self> {
        let mut temp = TempFile::empty(file);
        temp.protect(replaced).inspect_err(|_| {
            // Nobody else uses the file; why it cannot be used matters more than an error of its removal.
            let _ = temp.remove();
        })?;
        Ok(temp)
    }

    /// Gives this run exclusive use of the file where there are no locks: renames it to `path`, a name that no other
    /// run knows. `Busy` if another run has done so or has renamed it to the target.
    pub fn claim(mut self, path: &Path) -> Result<Self> {
        let former = self.path().to_owned();
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => Error::busy(&former),
            _ => refused("rename", &former, &error),
        };
        fs::rename(&former, path).map_err(failed)?;
        self.file.moved_to(path);
        // The renamed file may be another run's new file and not the one that was opened.
        if self.file.is_in_place().map_err(failed)? { Ok(self) } else { Err(Error::busy(&former)) }
    }

    fn empty(file: LockedFile) -> Self {
        let (writing, stopped) = (Mutex::default(), AtomicBool::new(false));
        let direct = Direct::default();
        TempFile { file, writing, direct, stopped, was_there: false, replaced: None }
    }

    fn of(file: LockedFile) -> Result<Self> {
        let temp = TempFile { was_there: true, ..TempFile::empty(file) };
        temp.writing.lock().reached = temp.len()?;
        Ok(temp)
    }

    /// Empties the file. An empty file is not touched: after a truncation, ext4 writes everything to the disk at the
    /// close.
    pub fn clear(&self) -> Result<()> {
        if self.is_untouched() || self.len()? == 0 { Ok(()) } else { self.set_len(0) }
    }

    /// Whether this run has created the file and not written to it.
    fn is_untouched(&self) -> bool {
        !self.was_there && self.writing.lock().reached == 0
    }

    /// The file's path; its name belongs in the checkpoint.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Whether the file is locked against other runs. Without a lock the whole file is read back before it is trusted.
    pub fn is_locked(&self) -> bool {
        self.file.is_locked()
    }

    /// Length of the file in bytes, holes included.
    pub fn len(&self) -> Result<u64> {
        let metadata = self.file.metadata();
        Ok(metadata.map_err(|error| self.failed("read the size of", &error))?.len())
    }

    /// Truncates the file, or extends it with a hole.
    pub fn set_len(&self, len: u64) -> Result<()> {
        let mut length = self.writing.lock();
        self.file
            .set_len(len)
            .map_err(|e| self.failed(&format!("set {len} bytes as the length of"), &e))?;
        length.reached = len;
        Ok(())
    }

    /// Whether the file was ever shorter than this run had made it.
    pub fn was_cut(&self) -> Result<bool> {
        let mut length = self.writing.lock();
        self.compare(&mut length)?;
        Ok(length.cut)
    }

    fn compare(&self, length: &mut Length) -> Result<()> {
        // No file is shorter than nothing.
        length.cut |= length.reached > 0 && self.len()? < length.reached;
        Ok(())
    }

    /// Reserves disk blocks for `len` bytes and sets the file's length to `len`. Does nothing where the file system
    /// cannot reserve; `DiskFull` if the space does not suffice.
    pub fn preallocate(&self, len: u64) -> Result<()> {
        const CANNOT: [Errno; 3] = [Errno::OPNOTSUPP, Errno::NOSYS, Errno::INVAL];
        let mut length = self.writing.lock();
        match sys::file::allocate(&self.file, len) {
            Ok(()) => {
                length.reached = length.reached.max(len);
                Ok(())
            }
            Err(e) if CANNOT.iter().any(|errno| e.raw_os_error() == Some(errno.raw_os_error())) => {
                Ok(())
            }
            Err(e) => Err(self.out_of_space(&format!("reserve {len} bytes for"), &e)),
        }
    }

    /// Checks that the file can become `final_len` bytes long: `DiskFull` says how many bytes are missing. Blocks that
    /// the file already has count as free.
    pub fn check_space(&self, final_len: u64) -> Result<()> {
        let looked = |error: io::Error| self.failed("read the free space for", &error);
        let allocated = match self.is_untouched() {
            true => 0,
            false => self.file.metadata().map_err(looked)?.blocks().saturating_mul(BLOCK),
        };
        let Some(free) = sys::file::free_space(&self.file).map_err(looked)? else { return Ok(()) };
        let missing = final_len.saturating_sub(allocated).saturating_sub(free);
        if missing == 0 {
            return Ok(());
        }
        let action = format!("reserve {final_len} bytes for");
        let error = self.failed(&action, &Errno::NOSPC.into());
        Err(error.with_context(&format!("; free {missing} more bytes")))
    }

    /// Writes all of `bytes` at `offset` in the file. After an error any part of them may be in the file. `DiskFull`
    /// says how many bytes are missing.
    pub fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        let (start, end) = self.write_directly(bytes, offset)?;
        for (from, to) in [(0, start), (end, bytes.len())] {
            let rest = bytes.get(from..to).filter(|rest| !rest.is_empty());
            rest.map_or(Ok(()), |rest| self.write_buffered(rest, offset + from as u64))?;
        }
        Ok(())
    }

    fn write_buffered(&self, bytes: &[u8], offset: u64) -> Result<()> {
        let mut length = self.writing.lock();
        self.admit(&mut length)?;
        self.file.write_all_at(bytes, offset).map_err(|error| {
            self.out_of_space(&format!("write {} bytes at {offset} of", bytes.len()), &error)
        })?;
        length.reached = length.reached.max(offset.saturating_add(bytes.len() as u64));
        Ok(())
    }

    /// Whether a write may begin.
    fn admit(&self, length: &mut Length) -> Result<()> {
        if self.stopped.load(Ordering::Relaxed) {
            let what = "the download ended before these bytes were written";
            return Err(Error::new(ErrorKind::Cancelled, "Cancelled", what));
        }
        // The write may restore the file's length and leave a hole in it.
        self.compare(length)
    }

    /// Makes all writes fail from now on, those included that wait for another one. Waits for those that have begun.
    pub fn stop_writes(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        drop(self.writing.lock());
        self.direct.wait();
    }

    /// Lets later reads show what is on the disk. Bytes of an earlier run whose write to the disk has failed may still be
    /// in the page cache, and no flush would write them again.
    pub fn drop_cache(&self) {
        sys::file::drop_cache(&self.file);
    }

    /// Lets other runs lock the file.
    pub fn unlock(&self) {
        self.file.unlock();
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

    /// Reads up to `wanted` bytes at `offset` in the file, past the page cache if the file is written so and the buffer is
    /// suitably aligned; returns which part of `buffer` they fill, none at the end of the file.
    pub fn read_block(
        &self,
        buffer: &mut [u8],
        offset: u64,
        wanted: usize,
    ) -> Result<Range<usize>> {
        if let Some(read) = self.read_directly(buffer, offset, wanted) {
            return read.map_err(|e| self.failed(&format!("read at {offset} of"), &e));
        }
        let len = wanted.min(buffer.len());
        let read = self.read_at(buffer.get_mut(..len).unwrap_or_default(), offset)?;
        Ok(0..read)
    }

    /// Starts writing a run of bytes to the disk, so that little is left for the final flush.
    pub fn start_writeback(&self, offset: u64, len: u64) {
        sys::file::start_writeback(&self.file, offset, len);
    }

    /// Whether the extent's bytes, which are at `offset` in the file, have its checksum.
    ///
    /// `false` for bytes beyond the file's end and bytes that the disk cannot read. Reads through `buffer`, which must
    /// not be empty, past the page cache if the file is written so and the buffer is an
    /// [`AlignedBuffer`](super::aligned::AlignedBuffer). `between` is called before each read; its error is returned.
    /// `transform` is applied to the bytes, in their order, before they are hashed.
    pub fn prove(
        &self,
        extent: &Extent,
        offset: u64,
        between: &mut dyn FnMut() -> Result<()>,
        buffer: &mut [u8],
        mut transform: impl FnMut(&mut [u8]) -> Result<()>,
    ) -> Result<bool> {
        let mut digest = Digest::new();
        let mut done = 0;
        while done < extent.len {
            between()?;
            let wanted = usize::try_from(extent.len - done).unwrap_or(usize::MAX);
            let bytes = match self.read_block(buffer, offset.saturating_add(done), wanted) {
                Err(error) if error.errno() == Some(Errno::IO.raw_os_error()) => return Ok(false),
                other => buffer.get_mut(other?),
            };
            let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) else {
                return Ok(false);
            };
            transform(bytes)?;
            digest.update(bytes);
            done += bytes.len() as u64;
        }
        Ok(digest.value() == extent.crc)
    }

    /// Renames the file to the target atomically: a process that opens `target` gets the old file or the complete new
    /// one.
    ///
    /// A failed flush is final: the kernel may have dropped the bytes that it could not write, and may report success
    /// next time. `FlushError` then, and when closing the file reports a deferred write error. `RenameError` if the
    /// target cannot be replaced, `FileAlreadyExists` if it must not be.
    ///
    /// It gets the permission bits of the file that it replaces, and its owner and group if this process may set them.
    /// The target's current rights are used or, if it has been removed, those passed when this file was created or
    /// claimed.
    ///
    /// After an error the target is unchanged, except for a `FlushError` of its directory: then the new file is in
    /// place, and a power failure may bring the old one back.
    pub fn finish(&self, target: &Path, options: &FinishOptions) -> Result<()> {
        if let Some(time) = options.modified {
            self.file
                .set_modified(time)
                .map_err(|e| self.failed("set the modification time of", &e))?;
        }
        if options.flush {
            self.file.sync_data().map_err(|error| self.unflushed("flush", &error))?;
        }
        // Reports the errors of a close without giving up the descriptor and its lock.
        let duplicate = self.file.try_clone().map_err(|e| self.failed("open again", &e))?;
        sys::file::close(duplicate).map_err(|error| self.unflushed("close", &error))?;
        // Before the rename, so that a failure leaves the old target.
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

    /// Which bytes of the file are on the disk is unknown.
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
        let old = Rights::of(target).map_err(failed)?.or(self.replaced);
        let mode = match &old {
            Some(old) => Some(self.inherit(old).map_err(failed)?),
            None => self.publish().map(|()| None).map_err(failed)?,
        };
        let rename = if replace { fs::rename::<&Path, &Path> } else { sys::file::rename_new };
        rename(self.path(), target).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists if !replace => already_exists(target),
            _ => failed(error),
        })?;
        if let Some(mode) = mode {
            self.settle(mode);
        }
        Ok(())
    }

    /// Removes the file, unless another file is at its path.
    pub fn remove(&self) -> Result<()> {
        self.file.unlink().map_err(|error| self.failed("remove", &error))
    }

    fn failed(&self, action: &str, error: &io::Error) -> Error {
        Error::io(action, self.path(), error)
    }

    /// [`TempFile::failed`], with the number of missing bytes if the disk is full.
    fn out_of_space(&self, action: &str, error: &io::Error) -> Error {
        let failed = self.failed(action, error);
        match (failed.code(), holes(&self.file)) {
            ("DiskFull", Some(holes)) => failed.with_context(&format!(
                "; {holes} more bytes are needed on the disk; free them and try again"
            )),
            _ => failed,
        }
    }
}

/// The path of a temporary file with a random suffix, a name that no other run knows.
pub fn with_random_suffix(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().unwrap_or_default();
    Ok(path.with_file_name(temp_name::with_suffix(name, sys::random::suffix()?)))
}

pub(super) fn open_directory(path: &Path) -> Result<Option<File>> {
    sys::file::open_directory(path).map_err(|error| Error::io("open the directory", path, &error))
}

/// The target exists and must not be replaced.
pub fn already_exists(target: &Path) -> Error {
    Error::io("create", target, &Errno::EXIST.into()).with_code("FileAlreadyExists")
}

/// The bytes of the file's length that have no disk blocks.
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
