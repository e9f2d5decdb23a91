use std::sync::{Arc, Mutex};

use super::*;
use crate::model::outcome::{Statistics, Status};

const LOOK: Duration = LOOK_INTERVAL;

fn status(phase: Phase, bytes_done: u64) -> Observation {
    let status = Status {
        phase,
        bytes_done,
        bytes_total: Some(1000),
        active_connections: 1,
        queue_position: None,
        bytes_per_second: 0,
        eta: None,
        statistics: Statistics::default(),
        contiguous_bytes: 0,
        contiguous_resets: 0,
        temp_path: None,
    };
    status.into()
}

/// A download with as many bytes as the test says.
struct Fake(Mutex<u64>);

impl Observed for Fake {
    fn observe(&self) -> Observation {
        status(Phase::Transferring, *self.0.lock().expect("bytes"))
    }
}

impl Fake {
    fn receive(&self, bytes: u64) {
        *self.0.lock().expect("bytes") += bytes;
    }
}

/// A queue's state and a clock.
struct Queue {
    state: State,
    now: Instant,
}

impl Queue {
    fn new() -> Self {
        let now = Instant::now();
        Queue { state: State::new(now), now }
    }

    fn admit(&mut self, tag: u64) -> (u64, Arc<Fake>) {
        let fake = Arc::new(Fake(Mutex::new(0)));
        let observed: Arc<dyn Observed> = fake.clone();
        (self.state.admit(tag, Arc::downgrade(&observed)), fake)
    }

    /// A download whose start has been read.
    fn run(&mut self, tag: u64) -> (u64, Arc<Fake>) {
        let (id, fake) = self.admit(tag);
        self.state.started(id);
        assert_eq!(self.drain(), [(tag, EventKind::Started, 0)]);
        (id, fake)
    }

    fn end(&mut self, id: u64) {
        self.state.ended(id, status(Phase::Succeeded, 1000), Ok(()));
    }

    fn next(&mut self) -> Option<(u64, EventKind, u64)> {
        let event = self.state.take(self.now)?;
        Some((event.tag, event.kind, event.status.bytes_done))
    }

    /// Everything that waits, without the first progress of downloads that have no byte yet.
    fn drain(&mut self) -> Vec<(u64, EventKind, u64)> {
        let mut events = Vec::new();
        while let Some(event) = self.next() {
            if event.1 != EventKind::Progress || event.2 > 0 {
                events.push(event);
            }
        }
        events
    }
}

#[test]
fn starts_and_ends_come_in_their_order_and_before_progress() {
    let mut queue = Queue::new();
    let (_, first) = queue.run(1);
    let (second, _) = queue.admit(2);
    first.receive(5);
    queue.now += LOOK;
    queue.state.started(second);
    queue.end(second);
    let end = EventKind::Ended(Ok(()));
    let started = (2, EventKind::Started, 1000);
    assert_eq!(queue.drain(), [started, (2, end, 1000), (1, EventKind::Progress, 5)]);
}

#[test]
fn an_end_is_reported_once_and_nothing_after_it() {
    let mut queue = Queue::new();
    let (_, first) = queue.run(1);
    let (id, second) = queue.run(2);
    first.receive(1);
    second.receive(2);
    queue.now += LOOK;
    assert_eq!(queue.next(), Some((1, EventKind::Progress, 1)));
    // The progress of the second download waits when it ends.
    queue.end(id);
    queue.state.ended(id, status(Phase::Failed, 0), Err(ErrorKind::Internal));
    queue.state.started(id);
    queue.state.withdraw(id);
    assert_eq!(queue.drain(), [(2, EventKind::Ended(Ok(())), 1000)]);
    queue.end(id);
    queue.now += LOOK;
    assert_eq!(queue.drain(), []);
    assert_eq!(queue.state.downloads.len(), 1);
}

#[test]
fn a_download_that_ends_without_having_started_has_only_an_end() {
    let mut queue = Queue::new();
    let (id, _) = queue.admit(1);
    queue.state.ended(id, status(Phase::Failed, 0), Err(ErrorKind::Cancelled));
    assert_eq!(queue.drain(), [(1, EventKind::Ended(Err(ErrorKind::Cancelled)), 0)]);
    assert_eq!(queue.state.wake(), Wake::Never);
}

#[test]
fn a_download_that_does_not_start_has_no_event() {
    let mut queue = Queue::new();
    let (id, _) = queue.admit(1);
    queue.state.withdraw(id);
    assert_eq!((queue.drain(), queue.state.wake()), (vec![], Wake::Never));
    assert!(queue.state.downloads.is_empty());
}

#[test]
fn progress_is_merged_to_one_event_for_each_look() {
    let mut queue = Queue::new();
    let (_, fake) = queue.run(1);
    let mut events = 0;
    for _ in 0..1000 {
        fake.receive(1);
        queue.now += Duration::from_millis(1);
        events += queue.drain().len();
    }
    assert_eq!(events, 10);
}

#[test]
fn unchanged_progress_is_not_reported() {
    let mut queue = Queue::new();
    let (_, fake) = queue.run(1);
    fake.receive(1);
    queue.now += LOOK;
    assert_eq!(queue.drain().len(), 1);
    queue.now += LOOK;
    assert_eq!(queue.drain(), []);
    assert_eq!(queue.state.wake(), Wake::At(queue.now + LOOK));
}

#[test]
fn a_slow_reader_gets_every_download_in_turn_with_its_present_progress() {
    let mut queue = Queue::new();
    let fakes: Vec<_> = (0..3).map(|tag| queue.run(tag).1).collect();
    queue.now += LOOK;
    for _ in 0..4 {
        let mut tags = Vec::new();
        for _ in 0..3 {
            fakes.iter().for_each(|fake| fake.receive(1));
            queue.now += 5 * LOOK;
            let (tag, kind, bytes) = queue.next().expect("progress");
            assert_eq!((kind, bytes), (EventKind::Progress, *fakes[0].0.lock().expect("bytes")));
            tags.push(tag);
        }
        assert_eq!(tags, [0, 1, 2]);
    }
}

#[test]
fn a_reader_is_woken_for_events_and_for_looks_and_otherwise_never() {
    let mut queue = Queue::new();
    assert_eq!(queue.state.wake(), Wake::Never);
    let (id, _fake) = queue.admit(1);
    assert_eq!(queue.state.wake(), Wake::Never);
    queue.state.started(id);
    assert_eq!(queue.state.wake(), Wake::Now);
    // One event for each wake-up: the first look is due at once.
    queue.next().expect("start");
    assert!(matches!(queue.state.wake(), Wake::At(time) if time <= queue.now));
    queue.drain();
    assert_eq!(queue.state.wake(), Wake::At(queue.now + LOOK));
    queue.end(id);
    assert_eq!(queue.state.wake(), Wake::Now);
    queue.drain();
    assert_eq!(queue.state.wake(), Wake::Never);
}

#[test]
fn pauses_come_between_the_start_and_the_end_and_are_merged_until_they_are_read() {
    let mut queue = Queue::new();
    let (id, _fake) = queue.admit(7);
    queue.state.started(id);
    queue.state.paused(id);
    queue.state.paused(id);
    assert_eq!(queue.drain(), [(7, EventKind::Started, 0), (7, EventKind::Paused, 0)]);
    queue.state.paused(id);
    queue.state.ended(id, status(Phase::Succeeded, 9), Ok(()));
    queue.state.paused(id);
    assert_eq!(queue.drain(), [(7, EventKind::Paused, 9), (7, EventKind::Ended(Ok(())), 9)]);
}

#[test]
fn a_pause_before_the_start_is_reported_unless_the_start_has_ended_it() {
    let mut queue = Queue::new();
    let (id, _fake) = queue.admit(7);
    queue.state.paused(id);
    queue.state.paused(id);
    assert_eq!(queue.drain(), [(7, EventKind::Paused, 0)]);
    queue.state.paused(id);
    queue.state.started(id);
    assert_eq!(queue.drain(), [(7, EventKind::Started, 0)]);
    queue.state.ended(id, status(Phase::Succeeded, 9), Ok(()));
    assert_eq!(queue.drain(), [(7, EventKind::Ended(Ok(())), 9)]);
}
