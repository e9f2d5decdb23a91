//! State shared by the handle of a prefix download and its thread.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::active::{Active, ActiveObject};
use super::outcome::PrefixOutcome;
use super::plan::Index;
use crate::client_state::Dependent;
use crate::download::Download;
use crate::listing::ListCanceller;
use crate::model::error::{Error, Result};
use crate::model::events::{Observation, Observed, Reporter, Subscription};
use crate::model::outcome::{Phase, Statistics, Status};
use crate::model::prefix::{PrefixCounts, PrefixPhase, PrefixStatus};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::channel::Sender;
use crate::sync::thread::{self, ThreadId};
use crate::sync::{Condvar, Mutex};
use crate::transfer::remaining_time;

/// What wakes the thread.
pub enum Message {
    /// The download of this object has ended.
    Ended(Index),
    /// Somebody has cancelled, paused or resumed.
    Wake,
}

/// The shared state of one prefix download.
pub struct Control {
    wake: Sender<Message>,
    started: Instant,
    is_cancelled: AtomicBool,
    is_paused: AtomicBool,
    state: Mutex<State>,
    changed: Condvar,
    /// Reports to the event queue of the request, until the end. Not to be used while `state` is locked: the queue looks at
    /// the state.
    reporter: Mutex<Option<Reporter>>,
}

#[derive(Default)]
struct State {
    phase: PrefixPhase,
    /// Without the downloads in `active`.
    counts: PrefixCounts,
    /// As `counts`.
    statistics: Statistics,
    is_listed: bool,
    /// The pause is complete: nothing is fetched or read.
    is_at_rest: bool,
    listing: Option<ListCanceller>,
    /// The downloads that have started and not ended.
    active: BTreeMap<Index, Active>,
    result: Option<Result<PrefixOutcome>>,
    elapsed: Option<Duration>,
    thread: Option<ThreadId>,
    /// The thread has released everything.
    has_left: bool,
}

impl Control {
    /// Of a prefix download that starts at `started`.
    pub fn new(wake: Sender<Message>, started: Instant) -> Self {
        Control {
            wake,
            started,
            is_cancelled: AtomicBool::new(false),
            is_paused: AtomicBool::new(false),
            state: Mutex::default(),
            changed: Condvar::new(),
            reporter: Mutex::new(None),
        }
    }

    /// Reports start, pauses and end to `queue`, with `tag`. If the download does not start, nothing is reported.
    pub fn report_to(self: &Arc<Self>, queue: &Subscription, tag: u64) -> Result<()> {
        let observed: Weak<Self> = Arc::downgrade(self);
        *self.reporter.lock() = Some(queue.open(tag, observed)?);
        Ok(())
    }

    /// Reports that the work has begun.
    pub fn report_start(&self) {
        if let Some(reporter) = &*self.reporter.lock() {
            reporter.started();
        }
    }

    pub fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Acquire)
    }

    pub fn is_paused(&self) -> bool {
        self.is_paused.load(Ordering::Acquire)
    }

    fn wake(&self) {
        // A thread that has ended needs no waking.
        let _ = self.wake.send(Message::Wake);
    }

    pub fn pause(&self) {
        let state = self.state.lock();
        self.is_paused.store(true, Ordering::Release);
        state.active.values().for_each(|active| active.download.pause());
        drop(state);
        self.wake();
    }

    pub fn resume(&self) {
        let mut state = self.state.lock();
        self.is_paused.store(false, Ordering::Release);
        state.is_at_rest = false;
        state.active.values().for_each(|active| active.download.resume());
        drop(state);
        self.wake();
    }

    /// Notices that a pause is complete, and reports it. Called by the thread, while it reads nothing.
    pub fn follow_pause(&self) {
        let mut state = self.state.lock();
        let is_paused = |active: &Active| active.download.status().phase == Phase::Paused;
        if state.is_at_rest || !self.is_paused() || !state.active.values().all(is_paused) {
            return;
        }
        state.is_at_rest = true;
        drop(state);
        if let Some(reporter) = &*self.reporter.lock() {
            reporter.paused();
        }
    }

    /// This thread does the work from now on.
    pub fn enter(&self) {
        self.state.lock().thread = Some(thread::current().id());
    }

    /// The thread has released everything of the download.
    pub fn leave(&self) {
        let mut state = self.state.lock();
        (state.thread, state.has_left) = (None, true);
        drop(state);
        self.changed.notify_all();
    }

    pub fn list_with(&self, canceller: ListCanceller) {
        self.state.lock().listing = Some(canceller.clone());
        if self.is_cancelled() {
            canceller.cancel();
        }
    }

    /// Everything has been listed.
    pub fn begin_transfer(&self) {
        let mut state = self.state.lock();
        (state.phase, state.is_listed) = (PrefixPhase::Transferring, true);
    }

    pub fn set_counts(&self, counts: PrefixCounts) {
        self.state.lock().counts = counts;
    }

    /// A download of this run has started.
    pub fn add(&self, index: Index, active: Active) {
        let mut state = self.state.lock();
        if self.is_paused() {
            active.download.pause();
        }
        state.active.insert(index, active);
    }

    /// Reads from a download of this run.
    pub fn with_active<T>(&self, index: Index, read: impl FnOnce(&Download) -> T) -> Option<T> {
        self.state.lock().active.get(&index).map(|active| read(&active.download))
    }

    /// Takes leave of a download that has ended, and which these counts include from now on.
    pub fn retire(&self, index: Index, counts: PrefixCounts, statistics: &Statistics) {
        let mut state = self.state.lock();
        let ended = state.active.remove(&index);
        (state.counts, state.statistics) = (counts, statistics.clone());
        drop(state);
        drop(ended);
    }

    pub fn active(&self) -> usize {
        self.state.lock().active.len()
    }

    pub fn active_objects(&self) -> Vec<ActiveObject> {
        self.state.lock().active.values().map(Active::observed).collect()
    }

    /// Cancels all downloads that have started.
    pub fn cancel_active(&self) {
        self.state.lock().active.values().for_each(|active| active.download.cancel());
    }

    pub fn status(&self) -> PrefixStatus {
        self.look().1
    }

    /// The status as of a download, and that of the prefix download.
    fn look(&self) -> (Status, PrefixStatus) {
        let state = self.state.lock();
        let mut prefix = PrefixStatus {
            phase: state.phase,
            is_paused: self.is_paused() && state.result.is_none(),
            counts: state.counts,
            active: state.active.len() as u64,
            bytes_per_second: 0,
        };
        let mut status = Status {
            phase: match state.phase {
                _ if state.is_at_rest => Phase::Paused,
                PrefixPhase::Listing => Phase::Starting,
                PrefixPhase::Transferring => Phase::Transferring,
                PrefixPhase::Succeeded => Phase::Succeeded,
                PrefixPhase::Failed => Phase::Failed,
            },
            bytes_done: 0,
            bytes_total: state.is_listed.then_some(state.counts.bytes_listed),
            active_connections: 0,
            bytes_per_second: 0,
            eta: None,
            queue_position: None,
            statistics: state.statistics.clone(),
            contiguous_bytes: 0,
            contiguous_resets: 0,
            temp_path: None,
        };
        for download in state.active.values().map(|active| active.download.status()) {
            status.statistics.add(&download.statistics);
            status.active_connections += download.active_connections;
            prefix.counts.bytes_done += download.bytes_done;
            prefix.counts.bytes_from_network += download.statistics.bytes_from_network;
            prefix.counts.bytes_reused += download.statistics.bytes_reused;
            prefix.bytes_per_second += download.bytes_per_second;
        }
        status.statistics.elapsed = state.elapsed.unwrap_or_else(|| self.started.elapsed());
        status.bytes_done = prefix.counts.bytes_done;
        status.bytes_per_second = prefix.bytes_per_second;
        status.eta = match status.phase {
            Phase::Succeeded => Some(Duration::ZERO),
            Phase::Failed => None,
            _ => status.bytes_total.and_then(|total| {
                remaining_time(total.saturating_sub(status.bytes_done), status.bytes_per_second)
            }),
        };
        (status, prefix)
    }

    /// Publishes the result. After a defect in the run, downloads may be active: they are cancelled.
    pub fn end(&self, result: Result<PrefixOutcome>) {
        let kind = result.as_ref().map(|_| ()).map_err(Error::kind);
        let reporter = self.reporter.lock().take();
        let mut state = self.state.lock();
        let active = std::mem::take(&mut state.active);
        state.phase = if result.is_ok() { PrefixPhase::Succeeded } else { PrefixPhase::Failed };
        state.is_at_rest = false;
        state.listing = None;
        state.elapsed = Some(self.started.elapsed());
        state.result = Some(result);
        drop(state);
        drop(active);
        self.changed.notify_all();
        if let Some(reporter) = reporter {
            reporter.ended(self.observe(), kind);
        }
    }

    /// Waits for the result; `None` on time-out.
    pub fn wait(&self, timeout: Option<Duration>) -> Option<Result<PrefixOutcome>> {
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut state = self.state.lock();
        while state.result.is_none() {
            match until {
                None => self.changed.wait(&mut state),
                Some(until) => {
                    if self.changed.wait_until(&mut state, until).timed_out() {
                        break;
                    }
                }
            }
        }
        state.result.clone()
    }
}

impl Observed for Control {
    fn observe(&self) -> Observation {
        let (status, prefix) = self.look();
        Observation { status, prefix: Some(prefix) }
    }
}

impl Dependent for Control {
    fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Release);
        let state = self.state.lock();
        if let Some(listing) = &state.listing {
            listing.cancel();
        }
        drop(state);
        self.wake();
    }

    /// Waits for the thread, unless that is the caller (in a callback).
    fn join(&self) {
        let mut state = self.state.lock();
        while !state.has_left && state.thread != Some(thread::current().id()) {
            self.changed.wait(&mut state);
        }
    }
}

#[cfg(all(test, shuttle))]
mod schedules;
