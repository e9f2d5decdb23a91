//! From the socket to the file: hashes a span's bytes while they are hot, gathers them and writes them in place.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::model::crc64::Digest;
use crate::model::error::Error;
use crate::model::extent::Extent;

use super::disk::{BUFFER_SIZE, Disk, Outlet, Step};
use super::event::{Event, FetchEnd};
use super::worker::WakeWorker;

/// A write that takes longer than this means that the disk does not keep up …
const SLOW_WRITE: Duration = Duration::from_millis(20);
/// … and that for this long the writer threads wait for it in the transfer thread's place.
const HAND_OVER_FOR: Duration = Duration::from_secs(2);
/// An extent is reported at least this often while bytes come.
const SEAL_AFTER: Duration = Duration::from_secs(1);
/// Most bytes that are in the file and not reported; with the buffer being filled, 8 MiB.
pub const MAX_UNSEALED: u64 = 8 * 1024 * 1024 - BUFFER_SIZE as u64;

/// Takes the bytes of one fetch.
pub struct Intake {
    fetch: u64,
    outlet: Arc<Outlet>,
    disk: Arc<Disk>,
    worker: WakeWorker,
    /// Extents are reported when they are at least this long.
    seal_at: u64,
    buffer: Option<Vec<u8>>,
    /// Where the buffer's first byte belongs.
    buffer_offset: u64,
    /// First byte that is not reported as stored.
    extent_start: u64,
    /// Over the bytes since `extent_start`.
    digest: Digest,
    sealed_at: Instant,
    hand_over_until: Option<Instant>,
}

impl Intake {
    /// `start` is the first byte of the span; `grain` the length from which extents are reported.
    pub fn new(
        fetch: u64,
        outlet: Arc<Outlet>,
        disk: Arc<Disk>,
        worker: WakeWorker,
        start: u64,
        grain: u64,
    ) -> Self {
        Intake {
            fetch,
            outlet,
            disk,
            worker,
            seal_at: grain.min(MAX_UNSEALED),
            buffer: None,
            buffer_offset: start,
            extent_start: start,
            digest: Digest::new(),
            sealed_at: Instant::now(),
            hand_over_until: None,
        }
    }

    /// Makes room for `len` bytes; false when there is no buffer now: the worker is woken when there is one.
    pub fn make_room(&mut self, len: usize) -> Result<bool, Error> {
        if self.buffer.as_ref().is_some_and(|b| !b.is_empty() && b.len() + len > BUFFER_SIZE) {
            self.store(false)?;
        }
        if self.buffer.is_none() {
            self.buffer = self.disk.buffers().take(&self.worker);
        }
        Ok(self.buffer.is_some())
    }

    /// Takes the next bytes of the span; call [`Intake::make_room`] first.
    pub fn take(&mut self, bytes: &[u8]) {
        self.digest.update(bytes);
        if let Some(buffer) = &mut self.buffer {
            buffer.extend_from_slice(bytes);
        }
    }

    /// Stores and reports what has waited for a second, so that a slow connection's bytes are not lost by a crash.
    pub fn tick(&mut self, now: Instant) -> Result<(), Error> {
        let unsealed = self.end() > self.extent_start;
        if unsealed && now.duration_since(self.sealed_at) >= SEAL_AFTER {
            self.store(true)?;
        }
        Ok(())
    }

    /// Stores and reports everything, then reports `end`, in this order.
    pub fn finish(&mut self, mut end: Box<FetchEnd>) {
        if let Err(error) = self.store(true) {
            end.ending = super::event::Ending::Fault(error);
        }
        if let Some(buffer) = self.buffer.take() {
            self.disk.buffers().give_back(buffer);
        }
        if self.outlet.pending.load(Ordering::Acquire) > 0 {
            match self.disk.submit(self.fetch, &self.outlet, Step::End(end)) {
                Ok(()) => return,
                Err(Step::End(refused)) => end = refused,
                Err(Step::Write { .. }) => return,
            }
        }
        // A driver that is gone no longer wants to know.
        let _ = self.outlet.events.send(Event::Ended(end));
    }

    /// One past the last byte taken.
    fn end(&self) -> u64 {
        self.buffer_offset + self.buffer.as_ref().map_or(0, Vec::len) as u64
    }

    fn store(&mut self, seal: bool) -> Result<(), Error> {
        let end = self.end();
        if end == self.extent_start {
            return Ok(());
        }
        let now = Instant::now();
        let due = end - self.extent_start >= self.seal_at
            || now.duration_since(self.sealed_at) >= SEAL_AFTER;
        let extent = (seal || due).then(|| {
            let sealed = Extent {
                offset: self.extent_start,
                len: end - self.extent_start,
                crc: self.digest.value(),
            };
            self.digest = Digest::new();
            self.extent_start = end;
            self.sealed_at = now;
            sealed
        });
        let bytes = self.buffer.take().unwrap_or_default();
        let offset = std::mem::replace(&mut self.buffer_offset, end);

        if self.hands_over(now) {
            let step = Step::Write { bytes, offset, extent };
            match self.disk.submit(self.fetch, &self.outlet, step) {
                Ok(()) | Err(Step::End(_)) => Ok(()),
                Err(Step::Write { bytes, offset, extent }) => self.write(bytes, offset, extent),
            }
        } else {
            self.write(bytes, offset, extent)
        }
    }

    /// Whether writes go through the writer threads: the disk was slow a moment ago, or earlier writes of this
    /// fetch are still on their way and must not be overtaken.
    fn hands_over(&self, now: Instant) -> bool {
        self.hand_over_until.is_some_and(|until| now < until)
            || self.outlet.pending.load(Ordering::Acquire) > 0
    }

    fn write(
        &mut self,
        mut bytes: Vec<u8>,
        offset: u64,
        extent: Option<Extent>,
    ) -> Result<(), Error> {
        let begun = Instant::now();
        let written = self.outlet.write(&bytes, offset);
        let done = Instant::now();
        if done.duration_since(begun) > SLOW_WRITE {
            self.hand_over_until = Some(done + HAND_OVER_FOR);
        }
        if bytes.capacity() > 0 {
            bytes.clear();
            if self.disk.buffers().wanted() {
                self.disk.buffers().give_back(bytes);
            } else {
                self.buffer = Some(bytes);
            }
        }
        written?;
        if let Some(extent) = extent {
            let _ = self.outlet.events.send(Event::Stored(extent));
        }
        Ok(())
    }
}
