//! Lets the downloads of a client start: at most so many at once, by priority and then in order.
//!
//! A download that runs has a thread, which takes the next one when it has ended, and stays for a moment if there is
//! none: starting a thread takes as long as a small download. A download that waits has none; one thread ends those whose
//! deadline passes meanwhile.

use std::io;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crate::model::error::{Error, Result};
use crate::sync::thread;
use crate::sync::{Condvar, Mutex, MutexGuard};
use crate::sys::thread::{Joined, spawn};

use self::state::{State, Waiting};
use super::policy::download_queue::Ticket;
use super::shared::{PausedBy, Shared, WaitingRoom};

mod state;

/// How long a thread without a download waits for one.
const STAY_FOR: Duration = Duration::from_millis(100);

/// A download that can be run.
pub trait Job: Send + 'static {
    fn shared(&self) -> &Arc<Shared>;

    /// Downloads with a higher one start first.
    fn priority(&self) -> i32;

    /// When it has to have ended.
    fn deadline(&self) -> Option<Instant>;

    /// Whether nothing but its turn keeps it from starting.
    fn is_ready(&self) -> bool {
        true
    }

    /// Runs the download to its end on this thread and publishes the result. Does not panic.
    fn run(self);

    /// Ends the download, which has not started.
    fn give_up(self, why: GivenUp);
}

/// Why a download ends before it has started.
#[derive(Clone, Debug)]
pub enum GivenUp {
    Cancelled,
    Disabled,
    DeadlinePassed,
    Failed(Error),
}

/// The downloads of one client.
pub struct Scheduler<J> {
    state: Mutex<State<J>>,
    /// The first deadline, or whether there will be any, has changed.
    deadlines_changed: Condvar,
    /// A download was given to the threads without one, or there will be none any more.
    given: Condvar,
}

impl<J: Job> Scheduler<J> {
    /// At most `max_active` downloads run at once, and no more than there are connections.
    pub fn new(max_active: u32, max_connections: u32) -> Self {
        let state = State::new(count(max_active), count(max_connections));
        Scheduler {
            state: Mutex::new(state),
            deadlines_changed: Condvar::new(),
            given: Condvar::new(),
        }
    }

    /// Starts a download, or lets it wait for its turn: then returns its ticket.
    pub fn start(self: &Arc<Self>, job: J) -> Result<Option<Ticket>> {
        let shared = job.shared().clone();
        let has_deadline = job.deadline().is_some();
        let mut state = self.state.lock();
        state.require_open()?;
        let ticket = Ticket(state.next_ticket);
        state.next_ticket += 1;
        let room: Weak<Self> = Arc::downgrade(self);
        shared.wait_in(room, ticket);
        if state.is_paused {
            shared.mark_paused(PausedBy::Client);
        }
        let priority = job.priority();
        state.enqueue(ticket, Waiting { job: Box::new(job), priority });
        drop(state);
        self.start_next();
        let waits = self.state.lock().waiting.contains_key(&ticket);
        if waits && has_deadline {
            self.watch_deadlines();
        }
        Ok(waits.then_some(ticket))
    }

    /// Takes a waiting download back, as if it had not been started; `false` if it does not wait any more.
    pub fn withdraw(&self, ticket: Ticket) -> bool {
        let withdrawn = self.state.lock().leave(ticket);
        withdrawn.is_some()
    }

    /// Replaces the number of connections, to which the number of active downloads is limited too. Downloads that have
    /// started continue.
    pub fn set_max_connections(self: &Arc<Self>, max_connections: u32) {
        self.state.lock().max_connections = count(max_connections);
        self.start_next();
    }

    /// Pauses all downloads, and those that are started until [`Scheduler::resume`] is called.
    pub fn pause(&self) {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        state.is_paused = true;
        let active: Vec<_> = state.active.values().cloned().collect();
        active.iter().for_each(|download| download.mark_paused(PausedBy::Client));
        let mut left = Vec::new();
        for (ticket, waiting) in &state.waiting {
            let shared = waiting.job.shared();
            if !shared.is_to_pause() {
                left.push(shared.clone());
            }
            shared.mark_paused(PausedBy::Client);
            state.queue.remove(*ticket, waiting.priority);
        }
        drop(guard);
        active.iter().for_each(|download| download.wake());
        left.iter().for_each(|download| download.report_pause());
    }

    /// Takes back [`Scheduler::pause`].
    pub fn resume(self: &Arc<Self>) {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        state.is_paused = false;
        let active: Vec<_> = state.active.values().cloned().collect();
        active.iter().for_each(|download| download.mark_resumed(PausedBy::Client));
        for (ticket, waiting) in &state.waiting {
            let shared = waiting.job.shared();
            shared.mark_resumed(PausedBy::Client);
            if waiting.may_start() {
                state.queue.insert(*ticket, waiting.priority);
            }
        }
        drop(guard);
        active.iter().for_each(|download| download.wake());
        self.start_next();
    }

    /// Ends all downloads because requests are disabled, and refuses new ones.
    pub fn disable(&self) {
        let mut state = self.state.lock();
        state.is_disabled = true;
        let (waiting, active) = state.all();
        drop(state);
        active.iter().for_each(|download| download.disable());
        waiting.into_iter().for_each(|waiting| waiting.job.give_up(GivenUp::Disabled));
    }

    /// Allows downloads again.
    pub fn enable(&self) {
        self.state.lock().is_disabled = false;
    }

    /// Refuses new downloads, ends those that wait, and cancels the others, which are returned.
    pub fn close(&self) -> Vec<Arc<Shared>> {
        let mut state = self.state.lock();
        state.is_closed = true;
        let (waiting, active) = state.all();
        drop(state);
        self.deadlines_changed.notify_all();
        self.given.notify_all();
        active.iter().for_each(|download| download.cancel());
        waiting.into_iter().for_each(|waiting| waiting.job.give_up(GivenUp::Cancelled));
        active
    }

    /// Waits for the threads, but not for the one that calls. All downloads have ended, and it is closed.
    pub fn join_threads(&self) {
        let mut state = self.state.lock();
        let mut threads = std::mem::take(&mut state.threads);
        threads.extend(state.timer.take());
        drop(state);
        join_all(threads);
    }

    /// Gives threads to downloads whose turn has come.
    fn start_next(self: &Arc<Self>) {
        loop {
            let mut state = self.state.lock();
            let Some((ticket, next)) = state.take_next() else { return };
            if state.free_threads > 0 {
                state.free_threads -= 1;
                state.given.push_back((ticket, next));
                drop(state);
                self.given.notify_one();
                continue;
            }
            let ended = state.take_ended_threads();
            drop(state);
            // Before another one starts, so that there are never more than downloads.
            join_all(ended);
            if let Err((error, next)) = self.spawn(ticket, next)
                && !self.wait_for_thread(ticket, next, error)
            {
                return;
            }
        }
    }

    /// Starts a thread that runs the download; returns the download if that fails.
    fn spawn(
        self: &Arc<Self>,
        ticket: Ticket,
        download: Waiting<J>,
    ) -> std::result::Result<(), (io::Error, Waiting<J>)> {
        // A thread that cannot be started drops its closure.
        let parcel = Arc::new(Mutex::new(Some(download)));
        let (delivered, scheduler) = (parcel.clone(), self.clone());
        let started = spawn("oss-download", move || {
            let download = delivered.lock().take();
            if let Some(download) = download {
                scheduler.serve(ticket, download);
            }
        });
        match started {
            Ok(thread) => self.state.lock().threads.push(thread),
            Err(error) => {
                if let Some(download) = parcel.lock().take() {
                    return Err((error, download));
                }
            }
        }
        Ok(())
    }

    /// No thread could be started for a download: it waits until another one has ended, or fails if no other is active.
    /// Returns whether the next one should be tried.
    fn wait_for_thread(&self, ticket: Ticket, download: Waiting<J>, error: io::Error) -> bool {
        let mut state = self.state.lock();
        state.active.remove(&ticket);
        let shared = download.job.shared();
        let why = if shared.is_disabled() {
            GivenUp::Disabled
        } else if shared.is_cancelled() {
            GivenUp::Cancelled
        } else if state.active.is_empty() {
            GivenUp::Failed(Error::internal(format!("cannot start a thread: {error}")))
        } else {
            shared.enter_queue();
            state.enqueue(ticket, download);
            return false;
        };
        drop(state);
        download.job.give_up(why);
        true
    }

    /// Runs a download, and then others.
    fn serve(&self, mut ticket: Ticket, mut download: Waiting<J>) {
        loop {
            let shared = download.job.shared().clone();
            shared.enter_driver();
            download.job.run();
            shared.leave_driver();
            drop(shared);
            let mut state = self.state.lock();
            state.active.remove(&ticket);
            let next = match state.take_next() {
                None => self.await_next(&mut state),
                next => next,
            };
            match next {
                Some(next) => (ticket, download) = next,
                None => {
                    state.ended_threads.push(thread::current().id());
                    return;
                }
            }
        }
    }

    /// Waits a moment for a download that is given to a thread without one.
    fn await_next(&self, state: &mut MutexGuard<'_, State<J>>) -> Option<(Ticket, Waiting<J>)> {
        let until = Instant::now() + STAY_FOR;
        state.free_threads += 1;
        let mut has_time = true;
        while has_time && !state.is_closed && state.given.is_empty() {
            has_time = !self.given.wait_until(state, until).timed_out();
        }
        // A download that was given has been taken off the free threads.
        let given = state.given.pop_front();
        state.free_threads -= usize::from(given.is_none());
        given
    }

    /// Has the deadlines of waiting downloads watched.
    fn watch_deadlines(self: &Arc<Self>) {
        let mut state = self.state.lock();
        if state.timer.is_none() && !state.is_closed {
            let scheduler = self.clone();
            // Without the thread, the deadline is noticed when the download's turn has come.
            state.timer = spawn("oss-deadlines", move || scheduler.end_late_downloads()).ok();
        }
        drop(state);
        self.deadlines_changed.notify_all();
    }

    fn end_late_downloads(&self) {
        let mut state = self.state.lock();
        while !state.is_closed {
            match state.deadlines.first().copied() {
                None => self.deadlines_changed.wait(&mut state),
                Some((at, _)) if at > Instant::now() => {
                    self.deadlines_changed.wait_until(&mut state, at);
                }
                Some((_, ticket)) => {
                    let late = state.leave(ticket);
                    drop(state);
                    if let Some(late) = late {
                        late.job.give_up(GivenUp::DeadlinePassed);
                    }
                    state = self.state.lock();
                }
            }
        }
    }
}

impl<J: Job> WaitingRoom for Scheduler<J> {
    fn follow_pause(self: Arc<Self>, ticket: Ticket) -> bool {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        let Some(waiting) = state.waiting.get(&ticket) else { return false };
        if waiting.may_start() {
            state.queue.insert(ticket, waiting.priority);
        } else {
            state.queue.remove(ticket, waiting.priority);
        }
        drop(guard);
        self.start_next();
        true
    }

    fn position(&self, ticket: Ticket) -> Option<usize> {
        let state = self.state.lock();
        state.queue.position(ticket, state.waiting.get(&ticket)?.priority)
    }

    fn set_priority(&self, ticket: Ticket, priority: i32) {
        let mut state = self.state.lock();
        let state = &mut *state;
        let Some(waiting) = state.waiting.get_mut(&ticket) else { return };
        let former = std::mem::replace(&mut waiting.priority, priority);
        if state.queue.remove(ticket, former) {
            state.queue.insert(ticket, priority);
        }
    }

    fn cancel(&self, ticket: Ticket) -> bool {
        let cancelled = self.state.lock().leave(ticket);
        let was_waiting = cancelled.is_some();
        if let Some(waiting) = cancelled {
            waiting.job.give_up(GivenUp::Cancelled);
        }
        was_waiting
    }
}

fn count(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX).max(1)
}

fn join_all(threads: Vec<Joined>) {
    for handle in threads {
        // A callback on one of these threads may have released the client.
        if handle.id() != thread::current().id() {
            // Downloads publish their defects as results.
            let _ = handle.join();
        }
    }
}

#[cfg(all(test, shuttle))]
mod schedules;
