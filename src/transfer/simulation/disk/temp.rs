//! The temporary file.

use std::ffi::OsStr;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use rustix::io::Errno;

use crate::model::digest::Algorithms;
use crate::model::encryption::ContentKey;
use crate::model::error::{Error, ErrorKind, Result};
use crate::model::extent::Extent;
use crate::storage::temp_file::{FinishOptions, already_exists};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::transfer::disk::write_target::WriteAt;
use crate::transfer::simulation::content::{Bytes, Content, Piece};
use crate::transfer::world::{ReadBack, TemporaryFile};

use super::ProcessId;
use super::files::Inode;
use super::plan::Call;
use super::state::{OpenFile, State};

/// A temporary file that a process has open and locked. Clones are the same open file, which is closed with the last
/// one.
#[derive(Clone)]
pub struct SimFile(Arc<OpenTemp>);

pub struct OpenTemp {
    file: OpenFile,
    path: PathBuf,
    length: Mutex<Length>,
    stopped: AtomicBool,
}

/// The file's length as far as this run knows it, as in `TempFile`.
#[derive(Default)]
struct Length {
    reached: u64,
    cut: bool,
}

impl SimFile {
    /// `file`, which is at `path` and `reached` bytes long.
    pub fn new(file: OpenFile, path: PathBuf, reached: u64) -> Self {
        let length = Mutex::new(Length { reached, cut: false });
        let stopped = AtomicBool::new(false);
        let open = Arc::new(OpenTemp { file, path, length, stopped });
        let registered = Arc::downgrade(&open);
        open.file.state().process(open.file.process).temp = registered;
        SimFile(open)
    }

    pub fn of(open: Arc<OpenTemp>) -> Self {
        SimFile(open)
    }

    /// The number of the file, which no other file of the disk has.
    pub fn inode(&self) -> Inode {
        self.0.file.inode
    }

    pub fn process(&self) -> ProcessId {
        self.0.file.process
    }

    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Writes all of `pieces`, one after the other, from `offset` on, as the network does: the time that it takes is
    /// returned and not added to the lag of the process. After an error any part of them may be in the file.
    pub fn write(&self, pieces: &[Piece], offset: u64) -> (Duration, Result<()>) {
        if self.0.stopped.load(Ordering::Relaxed) {
            return (Duration::ZERO, Err(cancelled_error()));
        }
        let mut length = self.0.length.lock();
        let mut state = self.0.file.state();
        state.aside(self.process(), |state| {
            length.cut |= state.files.bytes(self.inode()).current.len() < length.reached;
            let len: u64 = pieces.iter().map(|piece| piece.len).sum();
            self.write_all(state, pieces, offset).map_err(|error| {
                self.out_of_space(state, &format!("write {len} bytes at {offset} of"), &error)
            })?;
            length.reached = length.reached.max(offset + len);
            Ok(())
        })
    }

    fn write_all(&self, state: &mut State, pieces: &[Piece], offset: u64) -> io::Result<()> {
        let process = self.process();
        let bytes: Bytes = pieces.iter().copied().collect();
        let len = bytes.len();
        let nth = state.calls(Call::Write);
        let refused = match state.step(process, Call::Write) {
            Err(refused) if refused.torn => Some((state.random.below(len + 1), refused.into())),
            other => {
                other?;
                let missing = state.files.bytes(self.inode()).missing(offset..offset + len);
                let free = state.free().filter(|free| *free < missing);
                free.map(|free| (free.min(len.saturating_sub(1)), Errno::NOSPC.into()))
            }
        };
        let written = refused.as_ref().map_or(len, |(written, _)| *written);
        let mut bytes = if written < len { bytes.slice(0..written) } else { bytes };
        if state.plan.corrupt_writes.contains(&nth) && written > 0 {
            let at = state.random.below(written);
            state.note(process, || format!("the disk changes the byte at {}", offset + at));
            bytes = with_flipped_byte(&bytes, at);
        }
        let time = state.transfer_time(written);
        state.process(process).lag += time;
        state.files.bytes_mut(self.inode()).write(offset, bytes.pieces());
        refused.map_or(Ok(()), |(_, error)| Err(error))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.file.state()
    }

    /// A step of a call of this process.
    fn step(&self, call: Call) -> io::Result<()> {
        Ok(self.state().step(self.process(), call)?)
    }

    fn len(&self) -> Result<u64> {
        self.step(Call::Look).map_err(|error| self.failed("read the size of", &error))?;
        Ok(self.state().files.bytes(self.inode()).current.len())
    }

    fn failed(&self, action: &str, error: &io::Error) -> Error {
        Error::io(action, &self.0.path, error)
    }

    fn out_of_space(&self, state: &State, action: &str, error: &io::Error) -> Error {
        let failed = self.failed(action, error);
        let file = state.files.bytes(self.inode());
        match (failed.code(), file.current.len().saturating_sub(file.allocated())) {
            ("DiskFull", holes) if holes > 0 => failed.with_context(&format!(
                "; {holes} more bytes are needed on the disk; free them and try again"
            )),
            _ => failed,
        }
    }

    fn rename(&self, target: &Path, replace: bool) -> Result<()> {
        let action = format!("rename '{}' to", self.0.path.display());
        let failed = |e: io::Error| Error::io(&action, target, &e).with_code("RenameError");
        let (process, path) = (self.process(), self.0.path.as_os_str());
        let mut state = self.state();
        if !state.is_in_place(process, &self.0.path, self.inode()).map_err(failed)? {
            return Err(failed(io::Error::other(
                "another program has replaced or removed the temporary file",
            )));
        }
        // The rights of the target.
        state.step(process, Call::Look).map_err(|refused| failed(refused.into()))?;
        state.step(process, Call::Rename).map_err(|refused| failed(refused.into()))?;
        if !replace && state.files.find(target.as_os_str()).is_some() {
            return Err(already_exists(target));
        }
        state.note(process, || "the temporary file replaces the target".to_owned());
        state.files.rename(path, target.as_os_str());
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        let mut state = self.state();
        let state = &mut *state;
        let result = state.step(self.process(), Call::Flush);
        let file = state.files.bytes_mut(self.inode());
        match result {
            Ok(()) => file.flush(),
            // The kernel has given up.
            Err(refused) => {
                if !state.processes[self.process().0].dead {
                    file.fail_flush(&mut state.random);
                }
                return Err(refused.into());
            }
        }
        if state.plan.flush_keeps_names {
            state.files.flush_names(None);
        }
        Ok(())
    }
}

impl WriteAt for SimFile {
    fn write_at(&self, _: &[u8], _: u64) -> Result<()> {
        Err(Error::internal("a simulated file has no real bytes; use SimFile::write"))
    }
}

impl TemporaryFile for SimFile {
    fn name(&self) -> &OsStr {
        self.0.path.file_name().unwrap_or_default()
    }

    fn is_locked(&self) -> bool {
        self.0.file.is_locked()
    }

    fn clear(&self) -> Result<()> {
        if self.len()? == 0 { Ok(()) } else { self.set_len(0) }
    }

    fn set_len(&self, len: u64) -> Result<()> {
        let mut length = self.0.length.lock();
        self.step(Call::SetLength)
            .map_err(|e| self.failed(&format!("set {len} bytes as the length of"), &e))?;
        let mut state = self.state();
        state.note(self.process(), || format!("the temporary file gets {len} bytes long"));
        state.files.bytes_mut(self.inode()).set_len(len);
        length.reached = len;
        Ok(())
    }

    fn was_cut(&self) -> Result<bool> {
        let mut length = self.0.length.lock();
        length.cut |= self.len()? < length.reached;
        Ok(length.cut)
    }

    fn check_space(&self, final_len: u64) -> Result<()> {
        self.step(Call::FreeSpace)
            .map_err(|error| self.failed("read the free space for", &error))?;
        let state = self.state();
        let Some(free) = state.free() else { return Ok(()) };
        let allocated = state.files.bytes(self.inode()).allocated();
        let missing = final_len.saturating_sub(allocated).saturating_sub(free);
        if missing == 0 {
            return Ok(());
        }
        let action = format!("reserve {final_len} bytes for");
        let error = self.failed(&action, &Errno::NOSPC.into());
        Err(error.with_context(&format!("; free {missing} more bytes")))
    }

    fn preallocate(&self, len: u64) -> Result<()> {
        let mut state = self.state();
        let reserved = state.step(self.process(), Call::Reserve).map_err(io::Error::from);
        let missing = state.files.bytes(self.inode()).missing(0..len);
        let reserved = reserved.and_then(|()| match state.free() {
            Some(free) if free < missing => Err(Errno::NOSPC.into()),
            _ => Ok(()),
        });
        reserved.map_err(|error| {
            self.out_of_space(&state, &format!("reserve {len} bytes for"), &error)
        })?;
        let file = state.files.bytes_mut(self.inode());
        file.reserved = file.reserved.max(len);
        let len = len.max(file.current.len());
        file.current.set_len(len);
        Ok(())
    }

    fn start_writeback(&self, _: Range<u64>) {
        // What is on the disk afterwards is not known.
        let _ = self.step(Call::StartWriteback);
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        self.step(Call::Read).map_err(|e| self.failed(&format!("read at {offset} of"), &e))?;
        let state = self.state();
        let bytes = state.files.bytes(self.inode());
        let bytes = bytes.current.bytes(offset..offset.saturating_add(buffer.len() as u64));
        let mut filled = 0;
        for piece in bytes.pieces() {
            let spelled = state.spelled.get(&piece.content);
            for at in piece.start..piece.start + piece.len {
                let known = spelled.and_then(|bytes| bytes.get(at as usize));
                buffer[filled] = known.copied().unwrap_or_else(|| piece.content.byte(at));
                filled += 1;
            }
        }
        Ok(filled)
    }

    /// Symbols are compared as the service stores them, with and without a content key.
    fn holds(
        &self,
        extent: &Extent,
        base: u64,
        _: Option<&ContentKey>,
        between: &mut dyn FnMut() -> Result<()>,
        _: &mut [u8],
    ) -> Result<bool> {
        between()?;
        let offset = extent.offset.saturating_sub(base);
        let held = holds(&mut self.state(), (self.process(), self.inode()), extent, offset);
        held.map_err(|e| self.failed(&format!("read at {offset} of"), &e))
    }

    fn read_block(&self, _: &mut [u8], _: u64, _: usize) -> Result<Range<usize>> {
        Err(Error::internal("a simulated file has no real bytes; see Disk::hashing_step"))
    }

    fn read_back(
        &self,
        extents: &[Extent],
        base: u64,
        content_key: Option<&ContentKey>,
        algorithms: Algorithms,
        between: &mut dyn FnMut() -> Result<()>,
    ) -> Result<ReadBack> {
        let mut damaged = Vec::new();
        let mut read = Bytes::new();
        for extent in extents {
            if self.holds(extent, base, content_key, between, &mut [])? {
                let offset = extent.offset.saturating_sub(base);
                let state = self.state();
                let held = &state.files.bytes(self.inode()).current;
                let bytes = held.bytes(offset..offset + extent.len);
                bytes.pieces().iter().for_each(|piece| read.push(*piece));
            } else {
                damaged.push(*extent);
            }
        }
        let digests = damaged.is_empty().then(|| read.digests(algorithms));
        Ok(ReadBack { damaged, digests })
    }

    fn drop_cache(&self) {
        self.state().files.bytes_mut(self.inode()).drop_cache();
    }

    fn stop_writes(&self) {
        self.0.stopped.store(true, Ordering::Relaxed);
    }

    fn unlock(&self) {
        self.0.file.unlock();
    }

    fn finish(&self, target: &Path, options: &FinishOptions) -> Result<()> {
        let unflushed =
            |action: &str, error: &io::Error| self.failed(action, error).with_code("FlushError");
        if options.modified.is_some() {
            self.step(Call::SetModified)
                .map_err(|e| self.failed("set the modification time of", &e))?;
        }
        if options.flush {
            self.flush().map_err(|error| unflushed("flush", &error))?;
        }
        self.step(Call::Close).map_err(|error| unflushed("close", &error))?;
        let directory = target.parent().filter(|_| options.flush);
        if let Some(directory) = directory {
            self.step(Call::OpenDirectory)
                .map_err(|error| Error::io("open the directory", directory, &error))?;
        }
        self.rename(target, options.replace)?;
        let Some(directory) = directory else { return Ok(()) };
        self.step(Call::FlushDirectory).map_err(|error| {
            let failed =
                Error::io("flush the directory of", target, &error).with_code("FlushError");
            failed.with_context("; the new file is in place, but a power failure may undo that")
        })?;
        self.state().files.flush_names(Some(directory));
        Ok(())
    }

    fn remove(&self) -> Result<()> {
        let mut state = self.state();
        let removed = state.unlink(self.process(), Call::RemoveTemp, &self.0.path, self.inode());
        removed.map_err(|error| self.failed("remove", &error))
    }
}

/// Whether the extent's bytes are at `offset` in the file; `false` also if they cannot be read.
pub fn holds(
    state: &mut State,
    (process, inode): (ProcessId, Inode),
    extent: &Extent,
    offset: u64,
) -> io::Result<bool> {
    match state.step(process, Call::Read).map_err(io::Error::from) {
        Err(error) if error.raw_os_error() == Some(Errno::IO.raw_os_error()) => return Ok(false),
        other => other?,
    }
    let time = state.transfer_time(extent.len);
    state.process(process).lag += time;
    let bytes = state.files.bytes(inode).current.bytes(offset..offset.saturating_add(extent.len));
    Ok(bytes.len() == extent.len && bytes.crc() == extent.crc)
}

/// A comparison was stopped.
pub fn cancelled_error() -> Error {
    Error::new(ErrorKind::Cancelled, "Cancelled", "the download was cancelled")
}

fn with_flipped_byte(bytes: &Bytes, at: u64) -> Bytes {
    let flipped = bytes.slice(at..at + 1);
    let flipped = flipped.pieces().iter().map(|piece| match piece.content {
        Content::ZEROS => Content(1 << 62).piece(0..1),
        content => Piece { content: content.flipped(), ..*piece },
    });
    let (before, after) = (bytes.slice(0..at), bytes.slice(at + 1..u64::MAX));
    let pieces = before.pieces().iter().copied().chain(flipped);
    pieces.chain(after.pieces().iter().copied()).collect()
}
