//! From the socket to the file: hashes a span's bytes while they are hot, gathers them and writes them in place.

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

/// A write that takes longer than this means that the disk does not keep up …
const SLOW_WRITE: Duration = Duration::from_millis(100);
/// … and that for this long the writer threads wait for it in the transfer thread's place.
const HAND_OVER_FOR: Duration = Duration::from_secs(2);
/// An extent is reported at least this often while bytes come.
const SEAL_AFTER: Duration = Duration::from_secs(1);
/// Most bytes that are in the file and not reported; with the buffer being filled, 8 MiB.
pub const MAX_UNSEALED: u64 = 8 * 1024 * 1024 - BUFFER_SIZE as u64;

/// Takes the bytes of one fetch.
pub struct Intake {
    fetch: u64,
    write_target: Arc<WriteTarget>,
    writer_threads: Arc<WriterThreads>,
    worker: WorkerWaker,
    /// Bytes gathered before a write, at most [`BUFFER_SIZE`].
    gather: usize,
    /// Extents are reported when they are at least this long.
    seal_at: u64,
    buffer: Option<Vec<u8>>,
    /// Where the buffer's first byte belongs.
    buffer_offset: u64,
    /// First byte that is not reported as stored.
    extent_start: u64,
    /// Over the bytes since `extent_start`, as they came.
    digest: Digest,
    /// Decrypts them.
    cipher: Option<ContentCipher>,
    sealed_at: Instant,
    hand_over_until: Option<Instant>,
}

impl Intake {
    /// `start` is the first byte of the span, `gather` the bytes of a write, `grain` the length from which extents
    /// are reported.
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
            seal_at: grain.min(MAX_UNSEALED),
            buffer: None,
            buffer_offset: start,
            extent_start: start,
            digest: Digest::new(),
            cipher: None,
            sealed_at: Instant::now(),
            hand_over_until: None,
        }
    }

    /// Decrypts the bytes before they are written; `cipher` stands at the first byte of the span.
    #[must_use]
    pub fn decrypting(mut self, cipher: Option<ContentCipher>) -> Self {
        self.cipher = cipher;
        self
    }

    /// Makes room for `len` bytes; false when there is no buffer now: the worker is woken when there is one.
    pub fn make_room(&mut self, len: usize) -> Result<bool, Error> {
        if self.buffer.as_ref().is_some_and(|b| !b.is_empty() && b.len() + len > self.gather) {
            self.store(false)?;
        }
        if self.buffer.is_none() {
            self.buffer = self.writer_threads.buffers().take(&self.worker);
        }
        Ok(self.buffer.is_some())
    }

    /// Takes the next bytes of the span; call [`Intake::make_room`] first.
    pub fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.digest.update(bytes);
        let Some(buffer) = &mut self.buffer else { return Ok(()) };
        match &mut self.cipher {
            None => buffer.extend_from_slice(bytes),
            Some(cipher) => cipher.append(bytes, buffer)?,
        }
        Ok(())
    }

    /// Stores and reports what has waited for a second, so that a slow connection's bytes are not lost by a crash.
    pub fn tick(&mut self, now: Instant) -> Result<(), Error> {
        let unsealed = self.end() > self.extent_start;
        if unsealed && now.duration_since(self.sealed_at) >= SEAL_AFTER {
            self.store(true)?;
        }
        if self.writer_threads.buffers().wanted() {
            // Others wait for a buffer: this one is not kept until it is full, or while no bytes come.
            if self.buffer.as_ref().is_some_and(|buffer| !buffer.is_empty()) {
                self.store(false)?;
            }
            self.let_buffer_go();
        }
        Ok(())
    }

    /// Stores and reports everything, then reports `end`, in this order.
    pub fn finish(&mut self, mut end: Box<FetchEnd>) {
        if let Err(error) = self.store(true) {
            end.ending = EndReason::Fault(error);
        }
        self.let_buffer_go();
        if self.write_target.pending.load(Ordering::Acquire) > 0 {
            match self.writer_threads.submit(self.fetch, &self.write_target, Step::End(end)) {
                Ok(()) => return,
                Err(Step::End(refused)) => end = refused,
                Err(Step::Write { .. }) => return,
            }
        }
        // A driver that is gone no longer wants to know.
        let _ = self.write_target.events.send(Event::Ended(end));
    }

    fn let_buffer_go(&mut self) {
        if let Some(buffer) = self.buffer.take() {
            self.writer_threads.buffers().give_back(buffer);
        }
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
            match self.writer_threads.submit(self.fetch, &self.write_target, step) {
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
            self.hand_over_until = Some(done + HAND_OVER_FOR);
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
        // Of a fetch that was lost without an end.
        self.let_buffer_go();
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

    struct Bench {
        dir: tempfile::TempDir,
        writer_threads: Arc<WriterThreads>,
        events: Receiver<Event>,
        intake: Intake,
    }

    /// An intake of a span from byte 1000 on, whose file starts with byte 400.
    fn bench(grain: u64) -> Bench {
        bench_from(1000, grain)
    }

    /// An intake of a span so far out that no file system can store a byte of it.
    fn hopeless_bench(grain: u64) -> Bench {
        bench_from(1 << 62, grain)
    }

    fn bench_from(start: u64, grain: u64) -> Bench {
        let dir = tempfile::tempdir().expect("directory");
        let file = TempFile::create(&dir.path().join("file")).expect("file");
        let (sender, events) = unbounded();
        let write_target = Arc::new(WriteTarget::new(Arc::new(file), 400, sender));
        let writer_threads = Arc::new(WriterThreads::new());
        writer_threads.buffers().reserve(2);
        let worker = WorkerWaker::new(0, Waker::noop().clone());
        let intake =
            Intake::new(1, write_target, writer_threads.clone(), worker, start, BUFFER_SIZE, grain);
        Bench { dir, writer_threads, events, intake }
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
    fn reported(bench: &Bench) -> Vec<Extent> {
        let mut extents = Vec::new();
        loop {
            match bench.events.recv_timeout(Duration::from_secs(10)).expect("an end") {
                Event::Stored(extent) => extents.push(extent),
                Event::Ended(_) => return extents,
                _ => panic!("unexpected news"),
            }
        }
    }

    fn assert_stored(bench: &Bench, bytes: &[u8]) {
        let extents = reported(bench);
        let mut at = 1000;
        for extent in &extents {
            assert_eq!(extent.offset, at, "extents follow each other");
            let from = (extent.offset - 1000) as usize;
            let covered = &bytes[from..from + extent.len as usize];
            assert_eq!(extent.crc, crc64::checksum(covered));
            at = extent.end();
        }
        assert_eq!(at, 1000 + bytes.len() as u64, "nothing is left out");
        let file = std::fs::read(bench.dir.path().join("file")).expect("read");
        assert!(file[600..] == *bytes, "the file holds what was fed");
    }

    fn pattern(len: usize) -> Vec<u8> {
        (0..len).map(|i| (i % 251) as u8).collect()
    }

    #[test]
    fn bytes_are_stored_in_place_and_reported_with_their_checksum() {
        let mut bench = bench(100 * 1024);
        let bytes = pattern(3 * BUFFER_SIZE + 17);
        feed(&mut bench.intake, &bytes, 16 * 1024);
        bench.intake.finish(end());
        assert_stored(&bench, &bytes);
    }

    #[test]
    fn a_slow_disk_is_written_to_by_other_threads_in_order() {
        let mut bench = bench(100 * 1024);
        bench.intake.hand_over_until = Some(Instant::now() + Duration::from_secs(60));
        let bytes = pattern(20 * BUFFER_SIZE + 17);
        feed(&mut bench.intake, &bytes, 100_000);
        bench.intake.finish(end());
        assert_stored(&bench, &bytes);
        bench.writer_threads.shut_down();
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
        let mut bench = bench(5 << 30);
        let sender = bench.intake.write_target.events.clone();
        bench.intake.write_target =
            Arc::new(WriteTarget::new(Arc::new(FullForAMoment::default()), 400, sender));
        let buffer = pattern(BUFFER_SIZE);
        for _ in 0..2 {
            assert!(bench.intake.make_room(buffer.len()).expect("the first write succeeds"));
            bench.intake.take(&buffer).expect("taken");
        }
        assert!(bench.intake.make_room(1).is_err());
        bench.intake.finish(end());
        assert_eq!(reported(&bench), [], "one extent would cover both writes");
    }

    #[test]
    fn without_a_free_buffer_the_connection_waits() {
        let mut bench = bench(100 * 1024);
        let waker = bench.intake.worker.clone();
        let held: Vec<_> = (0..2).map(|_| bench.writer_threads.buffers().take(&waker)).collect();
        assert!(held.iter().all(Option::is_some));
        assert!(!bench.intake.make_room(1).expect("no error"));
        for buffer in held.into_iter().flatten() {
            bench.writer_threads.buffers().give_back(buffer);
        }
        assert!(bench.intake.make_room(1).expect("no error"));
    }

    #[test]
    fn a_connection_without_bytes_keeps_no_buffer_that_others_wait_for() {
        let mut bench = bench(100 * 1024);
        let worker = bench.intake.worker.clone();
        let buffers = bench.writer_threads.buffers().clone();
        feed(&mut bench.intake, &pattern(BUFFER_SIZE), BUFFER_SIZE);
        assert!(bench.intake.make_room(1).expect("written"));
        let _other = buffers.take(&worker).expect("the second of two");
        assert!(buffers.take(&worker).is_none());
        bench.intake.tick(Instant::now()).expect("nothing to store");
        assert!(buffers.take(&worker).is_some());
    }

    #[test]
    fn a_slow_connection_does_not_keep_its_buffer_until_it_is_full() {
        let mut bench = bench(100 * 1024);
        let worker = bench.intake.worker.clone();
        let buffers = bench.writer_threads.buffers().clone();
        let bytes = pattern(20);
        feed(&mut bench.intake, &bytes[..10], 10);
        let other = buffers.take(&worker).expect("the second of two");
        assert!(buffers.take(&worker).is_none());
        bench.intake.tick(Instant::now()).expect("written");
        let third = buffers.take(&worker).expect("the slow connection's");
        buffers.give_back(other);
        buffers.give_back(third);
        feed(&mut bench.intake, &bytes[10..], 10);
        bench.intake.finish(end());
        assert_stored(&bench, &bytes);
    }

    #[test]
    fn nothing_is_reported_after_a_write_that_failed_on_a_writer_thread() {
        let mut bench = hopeless_bench(8 << 20);
        bench.intake.hand_over_until = Some(Instant::now() + Duration::from_secs(60));
        feed(&mut bench.intake, &pattern(BUFFER_SIZE), 16 * 1024);
        assert!(bench.intake.make_room(1).expect("handed over"));
        while bench.intake.write_target.pending.load(Ordering::Acquire) > 0 {
            std::thread::yield_now();
        }
        assert!(matches!(bench.events.try_recv(), Ok(Event::Fault(_))));
        bench.intake.hand_over_until = None;
        bench.intake.finish(end());
        assert_eq!(reported(&bench), []);
        bench.writer_threads.shut_down();
    }

    /// Whose first write is a defect.
    #[derive(Default)]
    struct Defective(AtomicUsize);

    impl WriteAt for Defective {
        fn write_at(&self, _: &[u8], _: u64) -> Result<(), Error> {
            assert!(self.0.fetch_add(1, Ordering::SeqCst) > 0, "planted");
            Ok(())
        }
    }

    #[test]
    fn a_defect_on_a_writer_thread_is_told_and_takes_nothing_else_with_it() {
        let mut bench = bench(BUFFER_SIZE as u64);
        let sender = bench.intake.write_target.events.clone();
        bench.intake.write_target =
            Arc::new(WriteTarget::new(Arc::<Defective>::default(), 400, sender));
        bench.intake.hand_over_until = Some(Instant::now() + Duration::from_secs(60));
        feed(&mut bench.intake, &pattern(2 * BUFFER_SIZE), 16 * 1024);
        bench.intake.finish(end());
        assert!(matches!(bench.events.recv_timeout(Duration::from_secs(10)), Ok(Event::Fault(_))));
        assert_eq!(reported(&bench), [], "the bytes of the first write are lost");
        bench.writer_threads.shut_down();
    }

    #[test]
    fn a_fetch_that_is_lost_leaves_its_buffer_to_the_others() {
        let bench = bench(100 * 1024);
        let (mut intake, writer_threads) = (bench.intake, bench.writer_threads);
        let waker = intake.worker.clone();
        feed(&mut intake, b"x", 1);
        let other = writer_threads.buffers().take(&waker);
        assert!(other.is_some() && writer_threads.buffers().take(&waker).is_none());
        drop(intake);
        assert!(writer_threads.buffers().take(&waker).is_some());
    }

    #[test]
    fn at_most_8_mib_are_unreported_whatever_the_part_size() {
        let mut bench = bench(5 << 30);
        feed(&mut bench.intake, &pattern(20 << 20), 16 * 1024);
        let reported: u64 = bench
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
