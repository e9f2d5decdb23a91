//! The path from the socket to the file: hashes a span's bytes while they are in the cache, gathers them and writes
//! them at their offset.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::model::crc64::Digest;
use crate::model::error::Error;
use crate::model::extent::Extent;
use crate::oss::content_cipher::ContentCipher;
use crate::sync::atomic::Ordering;

use crate::transfer::event::{EndReason, Event, FetchEnd};
use crate::transfer::worker_waker::WorkerWaker;

use super::buffers::BUFFER_SIZE;
use super::write_target::WriteTarget;
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
    /// Extents are reported when they are at least this long.
    report_at: u64,
    buffer: Option<Vec<u8>>,
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
            report_at: grain.min(MAX_UNREPORTED),
            buffer: None,
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
        if self.buffer.as_ref().is_some_and(|b| !b.is_empty() && b.len() + len > self.gather) {
            self.store(false)?;
        }
        if self.buffer.is_none() {
            self.buffer = self.writer_threads.buffers().take(&self.worker);
        }
        Ok(self.buffer.is_some())
    }

    /// Adds the next bytes of the span, or none of them if they cannot be decrypted; call [`Intake::make_room`] first.
    pub fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let Some(buffer) = &mut self.buffer else { return Ok(()) };
        match &mut self.cipher {
            None => buffer.extend_from_slice(bytes),
            Some(cipher) => cipher.append(bytes, buffer)?,
        }
        self.digest.update(bytes);
        Ok(())
    }

    /// Stores and reports bytes that are older than a second, so that a crash does not lose a slow connection's bytes.
    pub fn tick(&mut self, now: Instant) -> Result<(), Error> {
        let unreported = self.end() > self.extent_start;
        if unreported && now.duration_since(self.reported_at) >= REPORT_INTERVAL {
            self.store(true)?;
        }
        if self.writer_threads.buffers().wanted() {
            // Others wait for a buffer, so this one is released even if it is not full.
            if self.buffer.as_ref().is_some_and(|buffer| !buffer.is_empty()) {
                self.store(false)?;
            }
            self.release_buffer();
        }
        Ok(())
    }

    /// Stores and reports everything, and then reports `end`.
    pub fn finish(&mut self, mut end: Box<FetchEnd>) {
        if let Err(error) = self.store(true) {
            end.ending = EndReason::Fault(error);
        }
        self.release_buffer();
        if self.write_target.pending.load(Ordering::Acquire) > 0 {
            match self.writer_threads.submit(self.fetch, &self.write_target, Step::End(end)) {
                Ok(()) => return,
                Err(Step::End(refused)) => end = refused,
                Err(Step::Write { .. }) => return,
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
            return self.write_target.write(bytes, offset, extent);
        };
        let mut decrypted = Vec::with_capacity(bytes.len());
        cipher.append(bytes, &mut decrypted)?;
        self.write_target.write(&decrypted, offset, extent)
    }

    fn release_buffer(&mut self) {
        if let Some(buffer) = self.buffer.take() {
            self.writer_threads.buffers().give_back(buffer);
        }
    }

    /// The end of the bytes added so far.
    fn end(&self) -> u64 {
        self.buffer_offset + self.buffer.as_ref().map_or(0, Vec::len) as u64
    }

    fn store(&mut self, report: bool) -> Result<(), Error> {
        let end = self.end();
        if end == self.extent_start {
            return Ok(());
        }
        let now = Instant::now();
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
        let bytes = self.buffer.take().unwrap_or_default();
        let offset = std::mem::replace(&mut self.buffer_offset, end);

        if self.uses_writer_threads(now) {
            let step = Step::Write { bytes, offset, extent };
            match self.writer_threads.submit(self.fetch, &self.write_target, step) {
                Ok(()) | Err(Step::End(_)) => Ok(()),
                Err(Step::Write { bytes, offset, extent }) => self.write(bytes, offset, extent),
            }
        } else {
            self.write(bytes, offset, extent)
        }
    }

    /// Whether writes go through the writer threads: a recent write was slow, or earlier writes of this fetch are still
    /// queued and must be done first.
    fn uses_writer_threads(&self, now: Instant) -> bool {
        self.writer_threads_until.is_some_and(|until| now < until)
            || self.write_target.pending.load(Ordering::Acquire) > 0
    }

    fn write(
        &mut self,
        mut bytes: Vec<u8>,
        offset: u64,
        extent: Option<Extent>,
    ) -> Result<(), Error> {
        let begun = Instant::now();
        let written = self.write_target.write(&bytes, offset, extent);
        let done = Instant::now();
        if done.duration_since(begun) > SLOW_WRITE {
            self.writer_threads_until = Some(done + USE_WRITER_THREADS_FOR);
        }
        if bytes.capacity() > 0 {
            bytes.clear();
            if self.writer_threads.buffers().wanted() {
                self.writer_threads.buffers().give_back(bytes);
            } else {
                self.buffer = Some(bytes);
            }
        }
        written
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        // For a fetch that was dropped without an end.
        self.release_buffer();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::crc64;
    use crate::storage::temp_file::TempFile;
    use crate::sync::atomic::AtomicUsize;
    use crate::sync::channel::{Receiver, unbounded};
    use crate::transfer::disk::write_target::WriteAt;
    use crate::transfer::event::EndReason;
    use std::task::Waker;

    struct Fixture {
        dir: tempfile::TempDir,
        writer_threads: Arc<WriterThreads>,
        events: Receiver<Event>,
        intake: Intake,
    }

    /// An intake of a span that starts at byte 1000; the file's first byte is byte 400 of the object.
    fn fixture(grain: u64) -> Fixture {
        fixture_from(1000, grain)
    }

    /// An intake of a span at an offset at which no file system can store a byte.
    fn fixture_with_failing_writes(grain: u64) -> Fixture {
        fixture_from(1 << 62, grain)
    }

    fn fixture_from(start: u64, grain: u64) -> Fixture {
        let dir = tempfile::tempdir().expect("directory");
        let file = TempFile::create(&dir.path().join("file"), None).expect("file");
        let (sender, events) = unbounded();
        let write_target = Arc::new(WriteTarget::new(Arc::new(file), 400, sender));
        let writer_threads = Arc::new(WriterThreads::new());
        writer_threads.buffers().reserve(2);
        let worker = WorkerWaker::new(0, Waker::noop().clone());
        let intake =
            Intake::new(1, write_target, writer_threads.clone(), worker, start, BUFFER_SIZE, grain);
        Fixture { dir, writer_threads, events, intake }
    }

    fn feed(intake: &mut Intake, bytes: &[u8], chunk: usize) {
        for piece in bytes.chunks(chunk) {
            while !intake.make_room(piece.len()).expect("room") {
                std::thread::sleep(Duration::from_millis(1));
            }
            intake.take(piece).expect("taken");
        }
    }

    fn end() -> Box<FetchEnd> {
        Box::new(FetchEnd::without_reply(1, EndReason::Complete))
    }

    /// Every extent reported before the end, which must be the last event.
    fn reported(fixture: &Fixture) -> Vec<Extent> {
        let mut extents = Vec::new();
        loop {
            match fixture.events.recv_timeout(Duration::from_secs(10)).expect("an end") {
                Event::Stored(extent) => extents.push(extent),
                Event::Ended(_) => return extents,
                _ => panic!("unexpected event"),
            }
        }
    }

    fn assert_stored(fixture: &Fixture, bytes: &[u8]) {
        let extents = reported(fixture);
        let mut at = 1000;
        for extent in &extents {
            assert_eq!(extent.offset, at, "extents follow each other");
            let from = (extent.offset - 1000) as usize;
            let covered = &bytes[from..from + extent.len as usize];
            assert_eq!(extent.crc, crc64::checksum(covered));
            at = extent.end();
        }
        assert_eq!(at, 1000 + bytes.len() as u64, "nothing is left out");
        let file = std::fs::read(fixture.dir.path().join("file")).expect("read");
        assert!(file[600..] == *bytes, "the file contains the bytes");
    }

    fn pattern(len: usize) -> Vec<u8> {
        (0..len).map(|i| (i % 251) as u8).collect()
    }

    #[test]
    fn bytes_are_stored_in_place_and_reported_with_their_checksum() {
        let mut fixture = fixture(100 * 1024);
        let bytes = pattern(3 * BUFFER_SIZE + 17);
        feed(&mut fixture.intake, &bytes, 16 * 1024);
        fixture.intake.finish(end());
        assert_stored(&fixture, &bytes);
    }

    #[test]
    fn a_slow_disk_is_written_to_by_writer_threads_in_order() {
        let mut fixture = fixture(100 * 1024);
        fixture.intake.writer_threads_until = Some(Instant::now() + Duration::from_secs(60));
        let bytes = pattern(20 * BUFFER_SIZE + 17);
        feed(&mut fixture.intake, &bytes, 100_000);
        fixture.intake.finish(end());
        assert_stored(&fixture, &bytes);
        fixture.writer_threads.shut_down();
    }

    /// A file whose second write fails, as on a disk that is full for a moment.
    #[derive(Default)]
    struct FullForAMoment(AtomicUsize);

    impl WriteAt for FullForAMoment {
        fn write_at(&self, _: &[u8], _: u64) -> Result<(), Error> {
            match self.0.fetch_add(1, Ordering::SeqCst) {
                1 => Err(Error::internal("no room")),
                _ => Ok(()),
            }
        }
    }

    #[test]
    fn nothing_is_reported_as_stored_from_a_failed_write_on() {
        let mut fixture = fixture(5 << 30);
        let sender = fixture.intake.write_target.events.clone();
        fixture.intake.write_target =
            Arc::new(WriteTarget::new(Arc::new(FullForAMoment::default()), 400, sender));
        let buffer = pattern(BUFFER_SIZE);
        for _ in 0..2 {
            assert!(fixture.intake.make_room(buffer.len()).expect("the first write succeeds"));
            fixture.intake.take(&buffer).expect("taken");
        }
        assert!(fixture.intake.make_room(1).is_err());
        fixture.intake.finish(end());
        assert_eq!(reported(&fixture), [], "one extent would cover both writes");
    }

    #[test]
    fn without_a_free_buffer_the_connection_waits() {
        let mut fixture = fixture(100 * 1024);
        let waker = fixture.intake.worker.clone();
        let held: Vec<_> = (0..2).map(|_| fixture.writer_threads.buffers().take(&waker)).collect();
        assert!(held.iter().all(Option::is_some));
        assert!(!fixture.intake.make_room(1).expect("no error"));
        for buffer in held.into_iter().flatten() {
            fixture.writer_threads.buffers().give_back(buffer);
        }
        assert!(fixture.intake.make_room(1).expect("no error"));
    }

    #[test]
    fn an_idle_connection_releases_its_buffer_if_others_wait() {
        let mut fixture = fixture(100 * 1024);
        let worker = fixture.intake.worker.clone();
        let buffers = fixture.writer_threads.buffers().clone();
        feed(&mut fixture.intake, &pattern(BUFFER_SIZE), BUFFER_SIZE);
        assert!(fixture.intake.make_room(1).expect("written"));
        let _other = buffers.take(&worker).expect("the second of two");
        assert!(buffers.take(&worker).is_none());
        fixture.intake.tick(Instant::now()).expect("nothing to store");
        assert!(buffers.take(&worker).is_some());
    }

    #[test]
    fn a_slow_connection_releases_its_buffer_before_it_is_full() {
        let mut fixture = fixture(100 * 1024);
        let worker = fixture.intake.worker.clone();
        let buffers = fixture.writer_threads.buffers().clone();
        let bytes = pattern(20);
        feed(&mut fixture.intake, &bytes[..10], 10);
        let other = buffers.take(&worker).expect("the second of two");
        assert!(buffers.take(&worker).is_none());
        fixture.intake.tick(Instant::now()).expect("written");
        let third = buffers.take(&worker).expect("the slow connection's");
        buffers.give_back(other);
        buffers.give_back(third);
        feed(&mut fixture.intake, &bytes[10..], 10);
        fixture.intake.finish(end());
        assert_stored(&fixture, &bytes);
    }

    #[test]
    fn nothing_is_reported_after_a_write_that_failed_on_a_writer_thread() {
        let mut fixture = fixture_with_failing_writes(8 << 20);
        fixture.intake.writer_threads_until = Some(Instant::now() + Duration::from_secs(60));
        feed(&mut fixture.intake, &pattern(BUFFER_SIZE), 16 * 1024);
        assert!(fixture.intake.make_room(1).expect("handed over"));
        while fixture.intake.write_target.pending.load(Ordering::Acquire) > 0 {
            std::thread::yield_now();
        }
        assert!(matches!(fixture.events.try_recv(), Ok(Event::Fault(_))));
        fixture.intake.writer_threads_until = None;
        fixture.intake.finish(end());
        assert_eq!(reported(&fixture), []);
        fixture.writer_threads.shut_down();
    }

    /// A file whose first write panics.
    #[derive(Default)]
    struct Defective(AtomicUsize);

    impl WriteAt for Defective {
        fn write_at(&self, _: &[u8], _: u64) -> Result<(), Error> {
            assert!(self.0.fetch_add(1, Ordering::SeqCst) > 0, "planted");
            Ok(())
        }
    }

    #[test]
    fn a_defect_on_a_writer_thread_is_reported_and_affects_no_other_fetch() {
        let mut fixture = fixture(BUFFER_SIZE as u64);
        let sender = fixture.intake.write_target.events.clone();
        fixture.intake.write_target =
            Arc::new(WriteTarget::new(Arc::<Defective>::default(), 400, sender));
        fixture.intake.writer_threads_until = Some(Instant::now() + Duration::from_secs(60));
        feed(&mut fixture.intake, &pattern(2 * BUFFER_SIZE), 16 * 1024);
        fixture.intake.finish(end());
        assert!(matches!(
            fixture.events.recv_timeout(Duration::from_secs(10)),
            Ok(Event::Fault(_))
        ));
        assert_eq!(reported(&fixture), [], "the bytes of the first write are lost");
        fixture.writer_threads.shut_down();
    }

    #[test]
    fn a_fetch_that_is_dropped_releases_its_buffer() {
        let fixture = fixture(100 * 1024);
        let (mut intake, writer_threads) = (fixture.intake, fixture.writer_threads);
        let waker = intake.worker.clone();
        feed(&mut intake, b"x", 1);
        let other = writer_threads.buffers().take(&waker);
        assert!(other.is_some() && writer_threads.buffers().take(&waker).is_none());
        drop(intake);
        assert!(writer_threads.buffers().take(&waker).is_some());
    }

    #[test]
    fn at_most_8_mib_are_unreported_whatever_the_part_size() {
        let mut fixture = fixture(5 << 30);
        feed(&mut fixture.intake, &pattern(20 << 20), 16 * 1024);
        let reported: u64 = fixture
            .events
            .try_iter()
            .map(|event| match event {
                Event::Stored(extent) => extent.len,
                _ => 0,
            })
            .sum();
        assert!((20 << 20) - reported <= 8 << 20, "{reported} bytes reported");
    }
}

#[cfg(all(test, shuttle))]
mod schedules;
