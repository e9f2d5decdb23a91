//! State shared by the handle of a prefix download and its thread.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::active::{Active, ActiveObject};
use super::outcome::PrefixOutcome;
use super::plan::Index;
use crate::client_state::Dependent;
use crate::download::Download;
use crate::listing::ListCanceller;
use crate::model::error::Result;
use crate::model::prefix::{PrefixCounts, PrefixPhase, PrefixStatus};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::channel::Sender;
use crate::sync::thread::{self, ThreadId};
use crate::sync::{Condvar, Mutex};

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
    is_cancelled: AtomicBool,
    is_paused: AtomicBool,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    phase: PrefixPhase,
    counts: PrefixCounts,
    listing: Option<ListCanceller>,
    /// The downloads that have started and not ended.
    active: BTreeMap<Index, Active>,
    result: Option<Result<PrefixOutcome>>,
    thread: Option<ThreadId>,
    /// The thread has released everything.
    has_left: bool,
}

impl Control {
    pub fn new(wake: Sender<Message>) -> Self {
        Control {
            wake,
            is_cancelled: AtomicBool::new(false),
            is_paused: AtomicBool::new(false),
            state: Mutex::default(),
            changed: Condvar::new(),
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
        self.is_paused.store(true, Ordering::Release);
        self.state.lock().active.values().for_each(|active| active.download.pause());
        self.wake();
    }

    pub fn resume(&self) {
        self.is_paused.store(false, Ordering::Release);
        self.state.lock().active.values().for_each(|active| active.download.resume());
        self.wake();
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

    pub fn set_phase(&self, phase: PrefixPhase) {
        self.state.lock().phase = phase;
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

    /// Takes a download that has ended.
    pub fn take(&self, index: Index) -> Option<Download> {
        self.state.lock().active.remove(&index).map(|active| active.download)
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
        let state = self.state.lock();
        let mut status = PrefixStatus {
            phase: state.phase,
            is_paused: self.is_paused() && state.result.is_none(),
            counts: state.counts,
            active: state.active.len() as u64,
            bytes_per_second: 0,
        };
        for download in state.active.values().map(|active| active.download.status()) {
            status.counts.bytes_done += download.bytes_done;
            status.counts.bytes_from_network += download.statistics.bytes_from_network;
            status.bytes_per_second += download.bytes_per_second;
        }
        status
    }

    /// Publishes the result. After a defect in the run, downloads may be active: they are cancelled.
    pub fn end(&self, result: Result<PrefixOutcome>) {
        let mut state = self.state.lock();
        let active = std::mem::take(&mut state.active);
        state.phase = if result.is_ok() { PrefixPhase::Succeeded } else { PrefixPhase::Failed };
        state.listing = None;
        state.result = Some(result);
        drop(state);
        drop(active);
        self.changed.notify_all();
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
