//! The destination of a fetch's bytes and of the reports about them.

use std::sync::Arc;

use crate::model::error::Error;
use crate::model::extent::Extent;
use crate::storage::aligned::AlignedBuffer;
use crate::storage::temp_file::TempFile;
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sync::inbox::Sender;
use crate::sys;
use crate::transfer::event::Event;

/// A file to which bytes are written.
pub trait WriteAt: Send + Sync {
    /// Writes all of `bytes` at `offset`.
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), Error>;

    /// If writes may bypass the page cache: the unit of those that do. They end at multiples of it, and their memory is
    /// aligned to it as their offset is.
    fn direct_unit(&self) -> Option<usize> {
        None
    }
}

impl WriteAt for TempFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), Error> {
        TempFile::write_at(self, bytes, offset)
    }

    fn direct_unit(&self) -> Option<usize> {
        TempFile::direct_unit(self)
    }
}

/// A write of one fetch.
pub struct Write {
    /// `None`: all bytes of the extent have been written.
    pub bytes: Option<AlignedBuffer>,
    /// The object's byte that is the first one of `bytes`.
    pub offset: u64,
    /// Reported as stored after the write.
    pub extent: Option<Extent>,
}

/// The destination of a fetch: its file, the driver's events, and the state of its queued writes.
pub struct WriteTarget {
    pub file: Arc<dyn WriteAt>,
    /// The object's byte at the file's offset 0.
    pub base: u64,
    pub events: Sender<Event>,
    /// Steps that are queued or running on a writer thread.
    pub pending: AtomicUsize,
    /// A write failed: later extents of this fetch may cover a hole and are not reported.
    pub failed: AtomicBool,
}

impl WriteTarget {
    pub fn new(file: Arc<dyn WriteAt>, base: u64, events: Sender<Event>) -> Self {
        WriteTarget {
            file,
            base,
            events,
            pending: AtomicUsize::new(0),
            failed: AtomicBool::new(false),
        }
    }

    /// As [`WriteTarget::write_bytes`].
    pub fn write(&self, write: &Write) -> Result<(), Error> {
        let bytes = write.bytes.as_ref().map_or(&[][..], AlignedBuffer::bytes);
        self.write_bytes(bytes, write.offset, write.extent)
    }

    /// Writes the object's bytes at `offset` and reports their extent as stored, unless an earlier write failed.
    pub fn write_bytes(
        &self,
        bytes: &[u8],
        offset: u64,
        extent: Option<Extent>,
    ) -> Result<(), Error> {
        if self.failed.load(Ordering::Acquire) {
            return Ok(());
        }
        let written = self.file.write_at(bytes, offset.saturating_sub(self.base));
        sys::exit::park_if_abandoned();
        if written.is_err() {
            self.failed.store(true, Ordering::Release);
        } else if let Some(extent) = extent {
            // Nobody listens if the driver has ended.
            let _ = self.events.send(Event::Stored(extent));
        }
        written
    }
}
