//! The path from the socket to the file: hashes a span's bytes while they are in the cache, gathers them and writes
//! them at their offset.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::model::crc64::Digest;
use crate::model::error::Error;
use crate::model::extent::Extent;
use crate::oss::content_cipher::ContentCipher;
use crate::storage::aligned::AlignedBuffer;
use crate::sync::atomic::Ordering;

use crate::transfer::event::{EndReason, Event, FetchEnd};
use crate::transfer::worker_waker::WorkerWaker;

use super::buffers::BUFFER_SIZE;
use super::write_target::{Write, WriteTarget};
use super::writer_threads::{Step, WriterThreads};

/// A write that takes longer than this means that the disk is too slow …
const SLOW_WRITE: Duration = Duration::from_millis(100);
/// … and then the writer threads do this fetch's writes for this long.
const USE_WRITER_THREADS_FOR: Duration = Duration::from_secs(2);
/// While bytes arrive, an extent is reported at least this often.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// Most bytes in the file that are not reported; with the buffer being filled, 8 MiB.
pub const MAX_UNREPORTED: u64 = 8 * 1024 * 1024 - BUFFER_SIZE as u64;

/// Stores the bytes of one fetch.
pub struct Intake {
    fetch: u64,
    write_target: Arc<WriteTarget>,
    writer_threads: Arc<WriterThreads>,
    worker: WorkerWaker,
    /// Bytes gathered before a write, at most [`BUFFER_SIZE`].
    gather: usize,
    /// The unit in which this buffer is written directly; 1: it is not.
    unit: usize,
    /// How far the buffer's first byte is beyond a multiple of the unit.
    phase: usize,
    /// Extents are reported when they are at least this long.
    report_at: u64,
    buffer: Option<AlignedBuffer>,
    /// An empty buffer for the bytes that do not fit in `buffer`, which a writer thread will get.
    next: Option<AlignedBuffer>,
    /// Offset of the buffer's first byte.
    buffer_offset: u64,
    /// The first byte that has not been reported as stored.
    extent_start: u64,
    /// Digest of the bytes since `extent_start`, as they were received.
    digest: Digest,
    /// Decrypts them.
    cipher: Option<ContentCipher>,
    reported_at: Instant,
    writer_threads_until: Option<Instant>,
}

impl Intake {
    /// `start` is the first byte of the span, `gather` the size of a write, `grain` the length from which extents are
    /// reported.
    pub fn new(
        fetch: u64,
        write_target: Arc<WriteTarget>,
        writer_threads: Arc<WriterThreads>,
        worker: WorkerWaker,
        start: u64,
        gather: usize,
        grain: u64,
    ) -> Self {
        Intake {
            fetch,
            write_target,
            writer_threads,
            worker,
            gather: gather.min(BUFFER_SIZE),
            unit: 1,
            phase: 0,
            report_at: grain.min(MAX_UNREPORTED),
            buffer: None,
            next: None,
            buffer_offset: start,
            extent_start: start,
            digest: Digest::new(),
            cipher: None,
            reported_at: Instant::now(),
            writer_threads_until: None,
        }
    }

    /// Decrypts the bytes before they are written; the position of `cipher` is the first byte of the span.
    #[must_use]
    pub fn decrypting(mut self, cipher: Option<ContentCipher>) -> Self {
        self.cipher = cipher;
        self
    }

    /// Makes room for `len` bytes; returns `false` if there is no free buffer: the worker is woken when there is one.
    pub fn make_room(&mut self, len: usize) -> Result<bool, Error> {
        // A direct write ends where its buffer does, another one before the bytes that do not fit.
        let needed = if self.writes_directly() { 1 } else { len };
        if self.held() > 0 && self.held() + needed > self.limit() {
            self.store(false)?;
        }
        if self.buffer.is_none() {
            let buffers = self.writer_threads.buffers();
            self.buffer = self.next.take().or_else(|| buffers.take(&self.worker));
        }
        Ok(self.buffer.is_some() && self.can_overflow(len))
    }

    /// If `len` more bytes are too many for the buffer, whether there is another one, or this one can be written and
    /// used again at once.
    fn can_overflow(&mut self, len: usize) -> bool {
        let overflows = self.writes_directly() && self.held() + len > self.limit();
        if overflows && self.next.is_none() && self.uses_writer_threads(Instant::now()) {
            self.next = self.writer_threads.buffers().take(&self.worker);
            return self.next.is_some() || !self.has_queued_writes();
        }
        true
    }

    /// Adds the next bytes of the span; call [`Intake::make_room`] first. An error means that they cannot be decrypted, or
    /// that a direct write that became due within them has failed: then the fetch must end.
    pub fn take(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        self.start_buffer();
        while self.writes_directly() && self.held() + bytes.len() > self.limit() {
            let (fitting, others) = bytes.split_at(self.limit() - self.held());
            self.append(fitting)?;
            self.store_full()?;
            self.start_buffer();
            bytes = others;
        }
        self.append(bytes)
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let Some(buffer) = &mut self.buffer else { return Ok(()) };
        match &mut self.cipher {
            None => buffer.tail().extend_from_slice(bytes),
            Some(cipher) => cipher.append(bytes, buffer.tail())?,
        }
        self.digest.update(bytes);
        Ok(())
    }

    /// Aligns an empty buffer with the offset of its first byte.
    fn start_buffer(&mut self) {
        if let Some(buffer) = self.buffer.as_mut().filter(|buffer| buffer.is_empty()) {
            self.unit = self.write_target.file.direct_unit().unwrap_or(1);
            let offset = self.buffer_offset.saturating_sub(self.write_target.base);
            self.phase = usize::try_from(offset % self.unit as u64).unwrap_or_default();
            buffer.start(self.unit, self.phase);
        }
    }

    fn writes_directly(&self) -> bool {
        self.unit > 1
    }

    /// Bytes at which the buffer is full: a direct write ends at a multiple of its unit.
    fn limit(&self) -> usize {
        self.gather - self.phase
    }

    /// Bytes in the buffer.
    fn held(&self) -> usize {
        self.buffer.as_ref().map_or(0, AlignedBuffer::len)
    }

    /// Stores and reports bytes that are older than a second, so that a crash does not lose a slow connection's bytes.
    pub fn tick(&mut self, now: Instant) -> Result<(), Error> {
        let unreported = self.end() > self.extent_start;
        if unreported && now.duration_since(self.reported_at) >= REPORT_INTERVAL {
            self.store(true)?;
        }
        if self.writer_threads.buffers().wanted() {
            // Others wait for a buffer, so this one is released even if it is not full.
            if self.held() > 0 {
                self.store(false)?;
            }
            self.release_buffers();
        }
        Ok(())
    }

    /// Stores and reports everything, and then reports `end`.
    pub fn finish(&mut self, mut end: Box<FetchEnd>) {
        if let Err(error) = self.store(true) {
            end.ending = EndReason::Fault(error);
        }
        self.release_buffers();
        if self.has_queued_writes() {
            match self.writer_threads.submit(self.fetch, &self.write_target, Step::End(end)) {
                Ok(()) => return,
                Err(Step::End(refused)) => end = refused,
                Err(Step::Write(_)) => return,
            }
        }
        // Nobody listens if the driver has ended.
        let _ = self.write_target.events.send(Event::Ended(end));
    }

    /// Stores and reports these bytes, which are all of the span's, without a buffer of the client. Then reports `end`.
    pub fn store_whole(mut self, bytes: &[u8], mut end: Box<FetchEnd>) {
        if let Err(error) = self.write_whole(bytes) {
            end.ending = EndReason::Fault(error);
        }
        // Nobody listens if the driver has ended.
        let _ = self.write_target.events.send(Event::Ended(end));
    }

    fn write_whole(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.digest.update(bytes);
        let (offset, crc) = (self.extent_start, self.digest.value());
        let extent = Some(Extent { offset, len: bytes.len() as u64, crc });
        let Some(cipher) = &mut self.cipher else {
            return self.write_target.write_bytes(bytes, offset, extent);
        };
        let mut decrypted = Vec::with_capacity(bytes.len());
        cipher.append(bytes, &mut decrypted)?;
        self.write_target.write_bytes(&decrypted, offset, extent)
    }

    fn release_buffers(&mut self) {
        for buffer in self.buffer.take().into_iter().chain(self.next.take()) {
            self.writer_threads.buffers().give_back(buffer);
        }
    }

    /// The end of the bytes added so far.
    fn end(&self) -> u64 {
        self.buffer_offset + self.held() as u64
    }

    /// Stores what has not been stored, and reports it if asked to or if it is time.
    fn store(&mut self, report: bool) -> Result<(), Error> {
        if self.end() == self.extent_start {
            return Ok(());
        }
        let now = Instant::now();
        let write = self.next_write(report, now);
        if self.uses_writer_threads(now) {
            self.hand_over(write)
        } else {
            self.write(write)?;
            if self.writer_threads.buffers().wanted() {
                self.release_buffers();
            }
            Ok(())
        }
    }

    /// Stores a full buffer and has one for the bytes that follow.
    fn store_full(&mut self) -> Result<(), Error> {
        let write = self.next_write(false, Instant::now());
        match self.next.take() {
            None => self.write(write),
            Some(next) => {
                self.hand_over(write)?;
                self.buffer = Some(next);
                Ok(())
            }
        }
    }

    /// The buffer's bytes, and an extent if it is to be reported after their write.
    fn next_write(&mut self, report: bool, now: Instant) -> Write {
        let end = self.end();
        let due = end - self.extent_start >= self.report_at
            || now.duration_since(self.reported_at) >= REPORT_INTERVAL;
        let extent = (report || due).then(|| {
            let stored = Extent {
                offset: self.extent_start,
                len: end - self.extent_start,
                crc: self.digest.value(),
            };
            self.digest = Digest::new();
            self.extent_start = end;
            self.reported_at = now;
            stored
        });
        let offset = std::mem::replace(&mut self.buffer_offset, end);
        Write { bytes: self.buffer.take(), offset, extent }
    }

    /// Whether writes go through the writer threads: a recent write was slow, or earlier writes of this fetch are still
    /// queued and must be done first. A direct write waits for the disk, but on a fast one not for as long as it takes to
    /// wake another thread for every buffer.
    fn uses_writer_threads(&self, now: Instant) -> bool {
        self.writer_threads_until.is_some_and(|until| now < until) || self.has_queued_writes()
    }

    fn has_queued_writes(&self) -> bool {
        self.write_target.pending.load(Ordering::Acquire) > 0
    }

    fn hand_over(&mut self, write: Write) -> Result<(), Error> {
        match self.writer_threads.submit(self.fetch, &self.write_target, Step::Write(write)) {
            Ok(()) | Err(Step::End(_)) => Ok(()),
            Err(Step::Write(write)) => self.write(write),
        }
    }

    /// Writes, and keeps the buffer.
    fn write(&mut self, write: Write) -> Result<(), Error> {
        let begun = Instant::now();
        let written = self.write_target.write(&write);
        let done = Instant::now();
        if done.duration_since(begun) > SLOW_WRITE {
            self.writer_threads_until = Some(done + USE_WRITER_THREADS_FOR);
        }
        self.buffer = write.bytes;
        if let Some(buffer) = &mut self.buffer {
            buffer.clear();
        }
        written
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        // For a fetch that was dropped without an end.
        self.release_buffers();
    }
}

#[cfg(all(test, shuttle))]
mod schedules;

#[cfg(test)]
mod tests;
