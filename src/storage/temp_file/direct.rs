//! Writes and reads of the temporary file past the page cache.
//!
//! A unit of the file is a page, or a block of the file system if that is larger. A unit that one write covers is written
//! directly, all others through the page cache. So no page is changed in the page cache while a part of it is written
//! directly.

use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;

use parking_lot::RwLock;

use super::TempFile;
use crate::model::error::Result;
use crate::model::request::WriteMode;
use crate::storage::aligned::AlignedBuffer;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sys;
use crate::sys::direct::DirectFile;

/// Shortest download that [`WriteMode::Auto`] writes directly, in bytes.
const MIN_DIRECT: u64 = 64 * 1024 * 1024;
/// … and it is longer than this part of the available memory. The kernel lets about a fifth of that memory be changed and
/// not yet written (`vm.dirty_ratio`), so that longer files are written at the disk's speed anyway.
const PART_OF_MEMORY: u64 = 4;

/// The direct side of a temporary file.
#[derive(Debug, Default)]
pub struct Direct {
    file: OnceLock<DirectFile>,
    /// Held shared during a direct write. Unlike buffered ones, several may run at the same time.
    writing: RwLock<()>,
    /// A read or write was refused; all go through the page cache from now on.
    refused: AtomicBool,
    /// The refusal has been told.
    told: AtomicBool,
}

impl Direct {
    fn file(&self) -> Option<&DirectFile> {
        self.file.get().filter(|_| !self.refused.load(Ordering::Relaxed))
    }

    /// Waits for writes that have begun.
    pub fn wait(&self) {
        drop(self.writing.write());
    }
}

impl TempFile {
    /// Chooses how bytes get to the disk, for a file of `len` bytes if that is known; to be called once, before they are
    /// written. Returns what the log should say.
    pub fn choose_write_mode(&self, mode: WriteMode, len: Option<u64>) -> Option<String> {
        let wanted = match mode {
            WriteMode::Buffered => false,
            WriteMode::Direct => true,
            WriteMode::Auto => len.is_some_and(|len| self.suits_direct(len)),
        };
        if !wanted {
            return None;
        }
        let Some(file) = sys::direct::open(&self.file, self.path(), AlignedBuffer::MAX_ALIGNMENT)
        else {
            return Some(
                "the file system refuses direct writes; writing through the page cache".into(),
            );
        };
        if let Some(len) = len {
            // Writes into holes, or beyond the file's end, wait for each other. If there is too little space, the write
            // that does not fit fails.
            let _ = sys::file::allocate(&self.file, len);
        }
        let unit = file.unit;
        self.direct.file.get_or_init(|| file);
        Some(format!("writing directly to the disk, in multiples of {unit} bytes"))
    }

    fn suits_direct(&self, len: u64) -> bool {
        let directory = self.path().parent();
        let is_local = || {
            directory.and_then(|path| sys::file::file_system(path).ok()).is_some_and(|fs| fs.local)
        };
        len >= MIN_DIRECT && exceeds_memory(len, sys::direct::available_memory()) && is_local()
    }

    /// What writes from aligned memory, at offsets that are multiples of it, should be multiples of; `None`: they go
    /// through the page cache.
    pub fn direct_unit(&self) -> Option<usize> {
        self.direct.file().map(|direct| direct.unit)
    }

    /// What the log should say if the file system has refused direct access after all; told once.
    pub fn late_refusal(&self) -> Option<String> {
        let refused = self.direct.refused.load(Ordering::Relaxed);
        (refused && !self.direct.told.swap(true, Ordering::Relaxed)).then(|| {
            "the file system refused a direct access; continuing through the page cache".into()
        })
    }

    /// Writes the whole units of `bytes` that are suitably aligned directly, and returns their first byte and the byte
    /// after them, counted from that of `bytes`. Nothing has been written if they are equal.
    pub(super) fn write_directly(&self, bytes: &[u8], offset: u64) -> Result<(usize, usize)> {
        let Some(direct) = self.direct.file() else { return Ok((0, 0)) };
        let Some((start, end)) = whole_units(bytes, offset, direct.unit) else { return Ok((0, 0)) };
        let _writing = self.direct.writing.read();
        self.admit(&mut self.writing.lock())?;
        let mut done = start;
        while done < end {
            let at = offset + done as u64;
            match direct.file.write_at(bytes.get(done..end).unwrap_or_default(), at) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if sys::direct::is_refusal(&error) => {
                    self.direct.refused.store(true, Ordering::Relaxed);
                    break;
                }
                Err(error) => {
                    let action = format!("write {} bytes at {at} of", end - done);
                    return Err(self.out_of_space(&action, &error));
                }
                // The rest of a unit that is partly written is written with it again, or in the other way.
                Ok(written) if written < direct.unit => break,
                Ok(written) => done += written - written % direct.unit,
            }
        }
        let mut length = self.writing.lock();
        length.reached = length.reached.max(offset.saturating_add(done as u64));
        Ok((start, done))
    }

    /// Reads up to `wanted` bytes at `offset`, and what is around them in their units, into `buffer`; returns where they
    /// are in it. `None` if they cannot be read directly.
    pub(super) fn read_directly(
        &self,
        buffer: &mut [u8],
        offset: u64,
        wanted: usize,
    ) -> Option<io::Result<Range<usize>>> {
        let direct = self.direct.file()?;
        let unit = direct.unit;
        let skipped = usize::try_from(offset % unit as u64).ok()?;
        let end = skipped.checked_add(wanted)?.min(buffer.len() - buffer.len() % unit);
        if end <= skipped || !is_aligned(buffer, unit) {
            return None;
        }
        let block = buffer.get_mut(..end.next_multiple_of(unit))?;
        loop {
            match direct.file.read_at(block, offset - skipped as u64) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if sys::direct::is_refusal(&error) => {
                    self.direct.refused.store(true, Ordering::Relaxed);
                    return None;
                }
                read => return Some(read.map(|read| skipped..read.clamp(skipped, end))),
            }
        }
    }
}

fn exceeds_memory(len: u64, available: Option<u64>) -> bool {
    available.is_some_and(|available| len > available / PART_OF_MEMORY)
}

/// The first byte of `bytes`, which belong at `offset`, that starts a unit, and the one after the last that ends one;
/// `None` if there is no whole unit or its address is not suitable.
fn whole_units(bytes: &[u8], offset: u64, unit: usize) -> Option<(usize, usize)> {
    let unit_len = unit as u64;
    let first = offset.checked_next_multiple_of(unit_len)?;
    let past = offset.checked_add(bytes.len() as u64)? / unit_len * unit_len;
    let (start, end) = (first.checked_sub(offset)?, past.checked_sub(offset)?);
    let (start, end) = (usize::try_from(start).ok()?, usize::try_from(end).ok()?);
    (start < end && is_aligned(bytes.get(start..)?, unit)).then_some((start, end))
}

fn is_aligned(bytes: &[u8], unit: usize) -> bool {
    bytes.as_ptr().addr().is_multiple_of(unit)
}

#[cfg(test)]
mod tests;
