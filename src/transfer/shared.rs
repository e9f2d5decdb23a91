//! State shared by a download's handle and its driver.

use std::path::Path;
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use crate::model::error::{Error, Result};
use crate::model::events::{Observation, Observed, Reporter, Subscription};
use crate::model::outcome::{Outcome, Phase, Statistics, Status};
use crate::model::temp_path::TempPath;
use crate::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use crate::sync::inbox::Sender;
use crate::sync::thread::{self, ThreadId};
use crate::sync::{Condvar, Mutex};

use super::bandwidth::Bandwidth;
use super::counters::Counters;
use super::event::Event;
use super::policy::download_queue::Ticket;
use super::rate::{RateMeter, remaining_time};
use super::readable::Readable;

/// `bytes_total` before the first reply.
const UNKNOWN: u64 = u64::MAX;

/// Who has paused a download. It runs while nobody has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PausedBy {
    Handle = 1,
    Client = 2,
}

/// Where downloads wait until their client lets them start.
pub trait WaitingRoom: Send + Sync {
    /// The place of a download in the queue, 1 for the next one; `None` if it does not wait for its turn.
    fn position(&self, ticket: Ticket) -> Option<usize>;

    /// Changes the priority of a download, if it waits.
    fn set_priority(&self, ticket: Ticket, priority: i32);

    /// Takes a download out of the queue if it is paused or not ready, and back into it if it is not; `false` if it does
    /// not wait.
    fn follow_pause(self: Arc<Self>, ticket: Ticket) -> bool;

    /// Ends a download that waits; `false` if it does not.
    fn cancel(&self, ticket: Ticket) -> bool;
}

/// The shared state of one download.
pub struct Shared {
    pub counters: Arc<Counters>,
    pub bandwidth: Arc<Bandwidth>,
    events: Sender<Event>,
    started: Instant,
    cancelled: AtomicBool,
    /// It was cancelled because the client's requests are disabled.
    disabled: AtomicBool,
    /// The bits of those who have paused it.
    paused_by: AtomicU32,
    bytes_total: AtomicU64,
    active: AtomicU32,
    rate: Mutex<RateMeter>,
    readable: Mutex<Readable>,
    /// Reports to the event queue of the request, until the end.
    reporter: Mutex<Option<Reporter>>,
    state: Mutex<State>,
    ended: Condvar,
    waits_in: OnceLock<(Weak<dyn WaitingRoom>, Ticket)>,
}

struct State {
    phase: Phase,
    /// The driver has stopped everything because of a pause.
    paused: bool,
    result: Option<Result<Outcome>>,
    /// The thread that works for the download.
    driver: Option<ThreadId>,
    elapsed: Option<Duration>,
}

impl State {
    fn visible_phase(&self) -> Phase {
        if self.paused { Phase::Paused } else { self.phase }
    }
}

impl Shared {
    /// The state of a download that starts at `started`, with a limit of `bandwidth` bytes per second; 0: no limit.
    pub fn new(events: Sender<Event>, bandwidth: u64, started: Instant) -> Self {
        Shared {
            counters: Arc::new(Counters::default()),
            bandwidth: Arc::new(Bandwidth::new(bandwidth)),
            events,
            started,
            cancelled: AtomicBool::new(false),
            disabled: AtomicBool::new(false),
            paused_by: AtomicU32::new(0),
            bytes_total: AtomicU64::new(UNKNOWN),
            active: AtomicU32::new(0),
            rate: Mutex::new(RateMeter::new(started)),
            readable: Mutex::new(Readable::default()),
            reporter: Mutex::new(None),
            state: Mutex::new(State {
                phase: Phase::Starting,
                paused: false,
                result: None,
                driver: None,
                elapsed: None,
            }),
            ended: Condvar::new(),
            waits_in: OnceLock::new(),
        }
    }

    /// Reports the download's start and end to `queue`, with `tag`. To be called before the download starts; if it does not start,
    /// nothing is reported.
    pub fn report_to(self: &Arc<Self>, queue: &Subscription, tag: u64) -> Result<()> {
        let observed: Weak<Self> = Arc::downgrade(self);
        *self.reporter.lock() = Some(queue.open(tag, observed)?);
        Ok(())
    }

    /// Reports that the driver has begun to work.
    pub fn report_start(&self) {
        if let Some(reporter) = &*self.reporter.lock() {
            reporter.started();
        }
    }

    /// The download waits for its turn in `room`.
    pub fn wait_in(&self, room: Weak<dyn WaitingRoom>, ticket: Ticket) {
        self.waits_in.get_or_init(|| (room, ticket));
        self.enter_queue();
    }

    pub fn enter_queue(&self) {
        self.set_phase(Phase::Queued);
    }

    pub fn leave_queue(&self) {
        self.set_phase(Phase::Starting);
    }

    /// This thread works for the download from now on.
    pub fn enter_driver(&self) {
        self.state.lock().driver = Some(thread::current().id());
    }

    /// This thread has ended the download and released everything of it.
    pub fn leave_driver(&self) {
        self.state.lock().driver = None;
        self.ended.notify_all();
    }

    /// Waits until the download has ended and no thread works for it, unless that is the caller (in a callback).
    pub fn join(&self) {
        let mut state = self.state.lock();
        while state.result.is_none() || state.driver.is_some() {
            if state.driver == Some(thread::current().id()) {
                return;
            }
            self.ended.wait(&mut state);
        }
    }

    fn room(&self) -> Option<(Arc<dyn WaitingRoom>, Ticket)> {
        let (room, ticket) = self.waits_in.get()?;
        Some((room.upgrade()?, *ticket))
    }

    /// Changes the download's priority, which counts while it waits.
    pub fn set_priority(&self, priority: i32) {
        if let Some((room, ticket)) = self.room() {
            room.set_priority(ticket, priority);
        }
    }

    /// Notes the bytes that have arrived, for the current rate. Called by the driver, at least four times a second.
    pub fn note_rate(&self, now: Instant) {
        self.rate.lock().note(now, self.counters.bytes_from_network.get());
    }

    pub fn started(&self) -> Instant {
        self.started
    }

    pub fn events(&self) -> &Sender<Event> {
        &self.events
    }

    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        if self.room().is_some_and(|(room, ticket)| room.cancel(ticket)) {
            return;
        }
        self.wake();
    }

    /// Lets the driver look at what the host has changed.
    pub fn wake(&self) {
        // A driver that has ended needs no waking.
        let _ = self.events.send(Event::Wake);
    }

    /// Cancels because requests have been disabled.
    pub fn disable(&self) {
        self.disabled.store(true, Ordering::Release);
        self.cancel();
    }

    pub fn is_disabled(&self) -> bool {
        self.disabled.load(Ordering::Acquire)
    }

    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Pauses the download until everybody who has paused it has resumed it.
    pub fn pause(&self, by: PausedBy) {
        self.mark_paused(by);
        match self.follow_pause() {
            true => self.report_pause(),
            false => self.wake(),
        }
    }

    /// Takes back [`Shared::pause`] of the same one.
    pub fn resume(&self, by: PausedBy) {
        self.mark_resumed(by);
        if !self.follow_pause() {
            self.wake();
        }
    }

    /// As [`Shared::pause`], but nobody is told.
    pub fn mark_paused(&self, by: PausedBy) {
        self.paused_by.fetch_or(by as u32, Ordering::AcqRel);
    }

    /// As [`Shared::resume`], but nobody is told.
    pub fn mark_resumed(&self, by: PausedBy) {
        self.paused_by.fetch_and(!(by as u32), Ordering::AcqRel);
    }

    /// Has the client's queue follow the marks, or that the file is free; `false` if the download is not in it.
    fn follow_pause(&self) -> bool {
        self.room().is_some_and(|(room, ticket)| room.follow_pause(ticket))
    }

    /// No other download of this process uses the file any more, so that this one starts when its turn comes.
    pub fn file_is_free(&self) {
        self.follow_pause();
    }

    /// Whether somebody has paused the download.
    pub fn is_to_pause(&self) -> bool {
        self.paused_by.load(Ordering::Acquire) != 0
    }

    pub fn set_phase(&self, phase: Phase) {
        self.state.lock().phase = phase;
    }

    /// Publishes that the driver has stopped everything because of a pause.
    pub fn begin_pause(&self) {
        self.state.lock().paused = true;
        self.report_pause();
    }

    /// Reports that the download is paused.
    pub fn report_pause(&self) {
        if let Some(reporter) = &*self.reporter.lock() {
            reporter.paused();
        }
    }

    /// Publishes that the driver goes on.
    pub fn end_pause(&self, now: Instant) {
        self.rate.lock().restart(now, self.counters.bytes_from_network.get());
        self.state.lock().paused = false;
    }

    pub fn set_total(&self, bytes: Option<u64>) {
        self.bytes_total.store(bytes.unwrap_or(UNKNOWN), Ordering::Relaxed);
    }

    /// Publishes where the file is until it is renamed. A download has only one.
    pub fn set_temp_path(&self, path: &Path) {
        let mut readable = self.readable.lock();
        if readable.temp_path.is_none() {
            readable.temp_path = TempPath::new(path);
        }
    }

    /// Publishes how many bytes from the start of the file can be read. To be called before other bytes than these are
    /// changed or removed.
    pub fn set_contiguous(&self, bytes: u64) {
        self.readable.lock().set(bytes);
    }

    /// What was published last of the readable part.
    pub fn readable(&self) -> Readable {
        self.readable.lock().clone()
    }

    pub fn set_active(&self, connections: u32) {
        self.active.store(connections, Ordering::Relaxed);
    }

    /// The current statistics, or the final ones.
    pub fn statistics(&self) -> Statistics {
        let elapsed = self.state.lock().elapsed.unwrap_or_else(|| self.started.elapsed());
        Statistics { elapsed, ..self.counters.snapshot() }
    }

    pub fn status(&self) -> Status {
        let phase = match self.state.lock().visible_phase() {
            Phase::Queued if self.is_to_pause() => Phase::Paused,
            phase => phase,
        };
        let (bytes_done, bytes_total) = (self.counters.bytes_done.get(), self.total());
        let bytes_per_second = match phase {
            Phase::Succeeded | Phase::Failed | Phase::Paused => 0,
            _ => {
                let received = self.counters.bytes_from_network.get();
                self.rate.lock().bytes_per_second(Instant::now(), received)
            }
        };
        let remaining = bytes_total.filter(|_| phase != Phase::Failed);
        let remaining = remaining.map(|total| total.saturating_sub(bytes_done));
        let waiting = (phase == Phase::Queued).then(|| self.room()).flatten();
        let Readable { bytes, resets, temp_path } = self.readable();
        Status {
            phase,
            queue_position: waiting.and_then(|(room, ticket)| room.position(ticket)),
            bytes_done,
            bytes_total,
            active_connections: self.active.load(Ordering::Relaxed),
            bytes_per_second,
            eta: remaining.and_then(|remaining| remaining_time(remaining, bytes_per_second)),
            statistics: self.statistics(),
            contiguous_bytes: bytes,
            contiguous_resets: resets,
            temp_path: temp_path.filter(|_| phase != Phase::Succeeded),
        }
    }

    fn total(&self) -> Option<u64> {
        Some(self.bytes_total.load(Ordering::Relaxed)).filter(|total| *total != UNKNOWN)
    }

    /// The status if the download's threads, and perhaps its locks, are lost.
    pub fn status_without_threads(&self) -> Status {
        Status {
            phase: Phase::Failed,
            queue_position: None,
            bytes_done: self.counters.bytes_done.get(),
            bytes_total: self.total(),
            active_connections: 0,
            bytes_per_second: 0,
            eta: None,
            statistics: Statistics { elapsed: self.started.elapsed(), ..self.counters.snapshot() },
            contiguous_bytes: 0,
            contiguous_resets: 0,
            temp_path: None,
        }
    }

    /// Publishes the result of the download, then reports the end. The caller has released everything else of it.
    pub fn end(&self, result: Result<Outcome>) {
        let kind = result.as_ref().map(|_| ()).map_err(Error::kind);
        let reporter = self.reporter.lock().take();
        self.set_active(0);
        let mut state = self.state.lock();
        state.paused = false;
        state.phase = if result.is_ok() { Phase::Succeeded } else { Phase::Failed };
        state.elapsed = Some(self.started.elapsed());
        state.result = Some(result);
        if reporter.is_none() {
            // Nothing is left to do: whoever waits for the end and then for this thread wakes only once.
            state.driver = None;
        }
        drop(state);
        self.ended.notify_all();
        if let Some(reporter) = reporter {
            reporter.ended(self.status().into(), kind);
        }
    }

    /// Waits for the end until `until`; `None` on time-out.
    pub fn wait_until(&self, until: Option<Instant>) -> Option<Result<Outcome>> {
        let mut state = self.state.lock();
        while state.result.is_none() {
            match until {
                None => self.ended.wait(&mut state),
                Some(until) => {
                    if self.ended.wait_until(&mut state, until).timed_out() {
                        break;
                    }
                }
            }
        }
        let result = state.result.clone()?;
        drop(state);
        Some(result.map(|outcome| Outcome { statistics: self.statistics(), ..outcome }))
    }
}

impl Observed for Shared {
    fn observe(&self) -> Observation {
        self.status().into()
    }
}

#[cfg(all(test, shuttle))]
mod schedules;
