use super::*;
use crate::model::crc64;
use crate::storage::temp_file::TempFile;
use crate::sync::atomic::AtomicUsize;
use crate::sync::inbox::{Receiver, inbox};
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
    let (sender, events) = inbox();
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
        match fixture
            .events
            .recv_deadline(Instant::now() + Duration::from_secs(10))
            .expect("an end")
        {
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
        fixture.events.recv_deadline(Instant::now() + Duration::from_secs(10)),
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
    let reported: u64 = std::iter::from_fn(|| fixture.events.try_recv().ok())
        .map(|event| match event {
            Event::Stored(extent) => extent.len,
            _ => 0,
        })
        .sum();
    assert!((20 << 20) - reported <= 8 << 20, "{reported} bytes reported");
}

/// A file with direct writes, in memory.
#[derive(Default)]
struct Direct {
    bytes: crate::sync::Mutex<Vec<u8>>,
    /// Offsets and lengths.
    writes: crate::sync::Mutex<Vec<(u64, usize)>>,
}

const UNIT: usize = 4096;

impl WriteAt for Direct {
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), Error> {
        let phase = offset as usize % UNIT;
        assert!(bytes.is_empty() || bytes.as_ptr().addr() % UNIT == phase, "not aligned");
        let mut file = self.bytes.lock();
        let end = offset as usize + bytes.len();
        let len = file.len().max(end);
        file.resize(len, 0);
        file[offset as usize..end].copy_from_slice(bytes);
        self.writes.lock().push((offset, bytes.len()));
        Ok(())
    }

    fn direct_unit(&self) -> Option<usize> {
        Some(UNIT)
    }
}

/// The fixture with direct writes.
fn fixture_with_direct_writes(grain: u64) -> (Fixture, Arc<Direct>) {
    let mut fixture = fixture(grain);
    let file = Arc::new(Direct::default());
    let sender = fixture.intake.write_target.events.clone();
    fixture.intake.write_target = Arc::new(WriteTarget::new(file.clone(), 400, sender));
    (fixture, file)
}

#[test]
fn direct_writes_are_aligned_and_as_many_as_buffered_ones() {
    // libcurl's chunks, and others that do not divide a buffer.
    for (chunk, by_threads) in
        [(16 * 1024, false), (16 * 1024, true), (10_001, false), (10_001, true), (1, false)]
    {
        let (mut fixture, file) = fixture_with_direct_writes(100 * 1024);
        if by_threads {
            fixture.intake.writer_threads_until = Some(Instant::now() + Duration::from_secs(60));
        }
        let bytes = pattern(if chunk == 1 { 2 } else { 5 } * BUFFER_SIZE + 17);
        feed(&mut fixture.intake, &bytes, chunk);
        fixture.intake.finish(end());
        let extents = reported(&fixture);
        assert_eq!(extents.iter().map(|extent| extent.len).sum::<u64>(), bytes.len() as u64);
        for extent in &extents {
            let from = (extent.offset - 1000) as usize;
            assert_eq!(extent.crc, crc64::checksum(&bytes[from..from + extent.len as usize]));
        }
        assert!(file.bytes.lock()[600..] == bytes);
        let writes = file.writes.lock().clone();
        assert_eq!(writes.len(), bytes.len().div_ceil(BUFFER_SIZE), "{writes:?}");
        let (_, all_but_last) = writes.split_last().expect("writes");
        for (offset, len) in all_but_last {
            assert_eq!((*offset as usize + len) % UNIT, 0, "{writes:?}");
        }
        fixture.writer_threads.shut_down();
    }
}

#[test]
fn without_another_buffer_a_direct_write_is_done_at_once_and_nothing_is_lost() {
    let (mut fixture, file) = fixture_with_direct_writes(100 * 1024);
    let worker = fixture.intake.worker.clone();
    let other = fixture.writer_threads.buffers().take(&worker).expect("the first of two");
    let bytes = pattern(4 * BUFFER_SIZE);
    fixture.intake.writer_threads_until = Some(Instant::now() + Duration::from_secs(60));
    for piece in bytes.chunks(10_001) {
        while !fixture.intake.make_room(piece.len()).expect("room") {
            assert!(fixture.intake.has_queued_writes(), "it waits for its own write only");
            std::thread::yield_now();
        }
        fixture.intake.take(piece).expect("taken");
    }
    fixture.writer_threads.buffers().give_back(other);
    fixture.intake.finish(end());
    assert_eq!(reported(&fixture).iter().map(|e| e.len).sum::<u64>(), bytes.len() as u64);
    assert!(file.bytes.lock()[600..] == bytes);
    fixture.writer_threads.shut_down();
}

#[test]
fn a_direct_write_after_one_that_ended_within_a_unit_is_aligned_again() {
    let (mut fixture, file) = fixture_with_direct_writes(100 * 1024);
    let bytes = pattern(2 * BUFFER_SIZE);
    feed(&mut fixture.intake, &bytes[..5000], 1000);
    // Bytes that wait for a second are stored.
    fixture.intake.tick(Instant::now() + REPORT_INTERVAL).expect("stored");
    feed(&mut fixture.intake, &bytes[5000..], 10_001);
    fixture.intake.finish(end());
    assert_eq!(reported(&fixture).iter().map(|e| e.len).sum::<u64>(), bytes.len() as u64);
    assert!(file.bytes.lock()[600..] == bytes);
    let writes = file.writes.lock().clone();
    assert_eq!(writes[0], (600, 5000));
    assert_eq!((writes[1].0 as usize + writes[1].1) % UNIT, 0, "{writes:?}");
    fixture.writer_threads.shut_down();
}
