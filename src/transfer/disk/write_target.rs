//! The destination of a fetch's bytes and of the reports about them.

use std::sync::Arc;

use crate::model::error::Error;
use crate::model::extent::Extent;
use crate::storage::temp_file::TempFile;
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sync::channel::Sender;
use crate::sys;
use crate::transfer::event::Event;

/// A file to which bytes are written.
pub trait WriteAt: Send + Sync {
    /// Writes all of `bytes` at `offset`.
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), Error>;
}

impl WriteAt for TempFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), Error> {
        TempFile::write_at(self, bytes, offset)
    }
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

    /// Writes the object's bytes from `offset` on and reports `extent` as stored, unless an earlier write failed.
    pub fn write(&self, bytes: &[u8], offset: u64, extent: Option<Extent>) -> Result<(), Error> {
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
