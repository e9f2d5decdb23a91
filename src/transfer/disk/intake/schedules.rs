//! Transfer threads pass writes to the writer threads and do them themselves again, under many schedules.

use shuttle::rand::{Rng, thread_rng};

use super::*;
use crate::model::crc64;
use crate::sync::inbox::{Receiver, inbox};
use crate::sync::scheduled::explore;
use crate::sync::{Mutex, thread};
use crate::transfer::disk::buffers::schedules::{TestWaker, assert_at_rest};
use crate::transfer::disk::write_target::WriteAt;
use crate::transfer::event::EndReason;

const LEN: usize = 30;
const START: u64 = 1000;
/// Fetches with the same remainder share a writer thread.
const FETCHES: [u64; 2] = [1, 5];

/// A file in memory that fails one of its writes.
struct Memory {
    bytes: Mutex<[u8; LEN]>,
    writes: Mutex<usize>,
    failing: usize,
    /// The unit of direct writes.
    unit: Option<usize>,
}

impl WriteAt for Memory {
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), Error> {
        let write = {
            let mut writes = self.writes.lock();
            *writes += 1;
            *writes
        };
        if write == self.failing {
            return Err(Error::internal("no room"));
        }
        let offset = offset as usize;
        self.bytes.lock()[offset..offset + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn direct_unit(&self) -> Option<usize> {
        self.unit
    }
}

/// Feeds a fetch's bytes to its intake in chunks of `chunk` bytes; whether the disk is slow is random. Ends as a fetch does.
fn transfer(mut intake: Intake, waker: &TestWaker, bytes: &[u8], chunk: usize) {
    let fetch = intake.fetch;
    let end = |ending| Box::new(FetchEnd::without_reply(fetch, ending));
    for piece in bytes.chunks(chunk) {
        let slow = thread_rng().gen_bool(0.5);
        intake.writer_threads_until = slow.then(|| Instant::now() + Duration::from_secs(60));
        loop {
            match intake.make_room(piece.len()) {
                Ok(true) => break,
                Ok(false) => waker.sleep(),
                Err(error) => return intake.finish(end(EndReason::Fault(error))),
            }
        }
        // A direct write may be due within the piece.
        if let Err(error) = intake.take(piece) {
            return intake.finish(end(EndReason::Fault(error)));
        }
    }
    intake.finish(end(EndReason::Complete));
}

/// Checks the events of one fetch: extents in order, at most one fault, and the end last. Returns the number of bytes
/// covered and whether there was a fault.
fn check_events(events: &Receiver<Event>, file: &Memory, bytes: &[u8]) -> (usize, bool) {
    let mut reached = START;
    let mut faulty = false;
    loop {
        match events.try_recv().expect("an end") {
            Event::Stored(extent) => {
                assert!(!faulty, "nothing after a failed write is reported");
                assert_eq!(extent.offset, reached, "extents follow each other");
                let range = (reached - START) as usize..(extent.end() - START) as usize;
                assert_eq!(
                    file.bytes.lock()[range.clone()],
                    bytes[range.clone()],
                    "is in the file"
                );
                assert_eq!(extent.crc, crc64::checksum(&bytes[range]));
                reached = extent.end();
            }
            Event::Fault(_) => {
                assert!(!faulty, "a fault is reported once");
                faulty = true;
            }
            Event::Ended(end) => {
                faulty |= matches!(end.ending, EndReason::Fault(_));
                assert!(events.try_recv().is_err(), "nothing follows the end");
                return ((reached - START) as usize, faulty);
            }
            _ => panic!("unexpected event"),
        }
    }
}

/// Two fetches on one writer thread, with direct writes if there is a unit; the first one's write number `failing` fails.
fn two_fetches(unit: Option<usize>, failing: impl Fn() -> usize + Send + Sync + 'static) {
    // Chunks of direct writes do not end where these do.
    let chunk = if unit.is_some() { 3 } else { 4 };
    explore(move || {
        let writer_threads = Arc::new(WriterThreads::new());
        writer_threads.buffers().reserve(3);
        let failing = failing();
        let bytes: Vec<u8> = (1..=LEN as u8).collect();
        let fetches = FETCHES.map(|fetch| {
            let failing = if fetch == FETCHES[0] { failing } else { 0 };
            let (memory, writes) = (Mutex::new([0; LEN]), Mutex::new(0));
            let file = Arc::new(Memory { bytes: memory, writes, failing, unit });
            let (sender, events) = inbox();
            let write_target = Arc::new(WriteTarget::new(file.clone(), START, sender));
            let waker = Arc::<TestWaker>::default();
            let worker = waker.worker(fetch as usize);
            let intake =
                Intake::new(fetch, write_target, writer_threads.clone(), worker, START, 8, 12);
            let bytes = bytes.clone();
            let thread = thread::spawn(move || transfer(intake, &waker, &bytes, chunk));
            (thread, events, file)
        });
        let running = fetches.map(|(thread, events, file)| {
            thread.join().expect("transfer");
            (events, file)
        });
        writer_threads.shut_down();
        for (events, file) in running {
            let (covered, faulty) = check_events(&events, &file, &bytes);
            let failed = file.failing > 0 && *file.writes.lock() >= file.failing;
            assert_eq!(faulty, failed, "exactly a failed write is reported");
            assert!(faulty || covered == LEN, "nothing is left out: {covered}");
        }
        writer_threads.buffers().release(3);
        assert_at_rest(writer_threads.buffers());
    });
}

#[test]
fn writes_keep_their_order_and_the_end_comes_after_them() {
    two_fetches(None, || 0);
}

#[test]
fn a_failed_write_is_reported_once_and_no_later_extent_is_reported() {
    two_fetches(None, || thread_rng().gen_range(1..5));
}

#[test]
fn direct_writes_keep_their_order_and_fail_once_too() {
    two_fetches(Some(4), || thread_rng().gen_range(0..5));
}
