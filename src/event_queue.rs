//! Event queues: one thread learns of the starts, the progress and the ends of many downloads.
//!
//! No thread serves a queue. Drivers add starts and ends; progress is found by the reader, who looks at the status of the
//! running downloads ten times a second ([`state`]).

mod state;

use std::iter;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crate::model::error::{Error, ErrorKind, Result};
use crate::model::events::{DownloadEvent, EventSink, Observation, Observed, Subscription};
use crate::model::prefix::PrefixRequest;
use crate::model::request::DownloadRequest;
use crate::sync::{Condvar, Mutex};
use crate::sys;
use crate::sys::timer::Timer;

use state::{State, Wake};

/// Collects the events of any number of downloads, of one or several clients, for one thread or several.
///
/// [`DownloadRequest::event_queue`] adds the queue to a request. Each download that starts then reports
/// [`EventKind::Started`](crate::EventKind::Started) when it begins to work,
/// [`EventKind::Progress`](crate::EventKind::Progress) while its status changes,
/// [`EventKind::Paused`](crate::EventKind::Paused) when a pause is complete, and
/// [`EventKind::Ended`](crate::EventKind::Ended) exactly once, as its last event and after its result can be read: also
/// if it is cancelled, and if its [`Download`](crate::Download) is dropped while it runs. Events of one download come in
/// this order; starts, pauses and ends of all downloads come in the order in which they happen.
///
/// [`PrefixRequest::event_queue`] does the same for a prefix download, which reports as one download: its objects report
/// nothing of their own. One queue may serve both.
///
/// Starts, pauses and ends are kept until they are read. Progress is not: an event shows the status at the time when it is
/// read, so a slow reader gets fewer of them.
///
/// Thread-safe: each event goes to one of the threads that read. The queue may be dropped at any time. Downloads that
/// refer to it continue, and their events are discarded.
///
/// A queue belongs to the process that created it: in a forked child every call returns `Forked`.
pub struct EventQueue {
    core: Arc<Core>,
    timer: Arc<Timer>,
}

/// What the queue shares with the downloads that report to it.
struct Core {
    /// The process that created the queue.
    process: u32,
    inner: Mutex<Inner>,
    arrived: Condvar,
}

struct Inner {
    /// `None` after the queue has been closed.
    state: Option<State>,
    descriptor: Descriptor,
}

/// The descriptor for programs that wait for several things at once.
struct Descriptor {
    /// `None` until a program has asked for it: until then no system call is needed.
    timer: Option<Arc<Timer>>,
    set_to: Wake,
}

impl EventQueue {
    /// A queue without events. Fails with `Io` if the process has no descriptor left.
    pub fn new() -> Result<Self> {
        let timer = Timer::new().map_err(|error| Error::system("create an event queue", &error))?;
        let descriptor = Descriptor { timer: None, set_to: Wake::Never };
        let core = Core {
            process: sys::process::id(),
            inner: Mutex::new(Inner { state: Some(State::new(Instant::now())), descriptor }),
            arrived: Condvar::new(),
        };
        Ok(EventQueue { core: Arc::new(core), timer: Arc::new(timer) })
    }

    /// The next event; waits for one, at most for `timeout`. `None` on time-out.
    ///
    /// Without a limit it waits also while no download reports to the queue, since another thread may start one.
    /// Returns `Cancelled` in an exit handler that runs after the library has stopped waiting for its threads.
    pub fn next(&self, timeout: Option<Duration>) -> Result<Option<DownloadEvent>> {
        self.core.next(timeout)
    }

    /// Iterates over the events. Ends when none has come for `timeout`; without a limit it never does. An error ends it
    /// too.
    pub fn events(
        &self,
        timeout: Option<Duration>,
    ) -> impl Iterator<Item = Result<DownloadEvent>> + '_ {
        let mut failed = false;
        iter::from_fn(move || {
            let next = if failed { None } else { self.next(timeout).transpose() };
            failed = matches!(next, Some(Err(_)));
            next
        })
    }

    /// A descriptor for `poll`, `epoll` and the like. It is readable while events wait, and stays so until they have
    /// been read. While downloads run it may also become readable without an event, ten times a second, for
    /// [`EventQueue::next`] to look at their progress: call that with a time-out of zero until it returns `None`.
    ///
    /// The queue owns the descriptor and closes it when it is dropped. Do not read from it.
    pub fn fd(&self) -> Result<BorrowedFd<'_>> {
        self.core.check()?;
        let mut inner = self.core.inner.lock();
        if inner.state.is_some() {
            inner.descriptor.timer.get_or_insert_with(|| self.timer.clone());
            inner.set_descriptor(Instant::now());
        }
        Ok(self.timer.as_fd())
    }

    /// Discards all events, those that wait and those to come. Threads that wait get `Cancelled`.
    pub(crate) fn close(&self) {
        // After a fork the lock may be held by a thread that does not exist.
        if self.core.check().is_err() {
            return;
        }
        let mut inner = self.core.inner.lock();
        let discarded = inner.state.take();
        inner.set_descriptor(Instant::now());
        inner.descriptor.timer = None;
        drop(inner);
        self.core.arrived.notify_all();
        drop(discarded);
    }
}

impl Drop for EventQueue {
    fn drop(&mut self) {
        self.close();
    }
}

impl DownloadRequest {
    /// Reports the events of the download to `queue`, and sets [`DownloadRequest::tag`], which each of them carries.
    #[must_use]
    pub fn event_queue(mut self, queue: &EventQueue, tag: u64) -> Self {
        self.events = Some(Subscription::new(queue.core.clone()));
        self.tag = tag;
        self
    }
}

impl PrefixRequest {
    /// Reports the events of the prefix download to `queue`, and sets [`PrefixRequest::tag`], which each of them carries.
    /// [`DownloadEvent`] describes what they say.
    #[must_use]
    pub fn event_queue(mut self, queue: &EventQueue, tag: u64) -> Self {
        self.events = Some(Subscription::new(queue.core.clone()));
        self.tag = tag;
        self
    }
}

impl Core {
    /// Fails in a forked child, and when `exit()` did not wait for the library's threads: nothing can come any more.
    fn check(&self) -> Result<()> {
        if self.process != sys::process::id() {
            return Err(Error::new(
                ErrorKind::Forked,
                "Forked",
                "this event queue belongs to the process that created it; create a new one after the fork",
            ));
        }
        if sys::exit::has_abandoned_threads() { Err(sys::exit::exiting()) } else { Ok(()) }
    }

    fn next(&self, timeout: Option<Duration>) -> Result<Option<DownloadEvent>> {
        self.check()?;
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut inner = self.inner.lock();
        loop {
            let now = Instant::now();
            let Some(state) = &mut inner.state else { return Err(closed()) };
            let event = state.take(now);
            let look_at = state.next_look();
            inner.set_descriptor(now);
            if event.is_some() || until.is_some_and(|until| until <= now) {
                return Ok(event);
            }
            match until.into_iter().chain(look_at).min() {
                None => self.arrived.wait(&mut inner),
                Some(at) => {
                    self.arrived.wait_until(&mut inner, at);
                }
            }
        }
    }

    /// Changes the state, unless the queue has been closed, and wakes its readers.
    fn change(&self, change: impl FnOnce(&mut State)) {
        if self.check().is_err() {
            return;
        }
        let mut inner = self.inner.lock();
        if let Some(state) = &mut inner.state {
            change(state);
            inner.set_descriptor(Instant::now());
            drop(inner);
            self.arrived.notify_all();
        }
    }
}

impl EventSink for Core {
    fn admit(&self, tag: u64, download: Weak<dyn Observed>) -> Result<u64> {
        self.check()?;
        match &mut self.inner.lock().state {
            Some(state) => Ok(state.admit(tag, download)),
            None => Err(Error::validation("the event queue of the request has been freed")),
        }
    }

    fn started(&self, id: u64) {
        self.change(|state| state.started(id));
    }

    fn paused(&self, id: u64) {
        self.change(|state| state.paused(id));
    }

    fn ended(&self, id: u64, last: Observation, result: std::result::Result<(), ErrorKind>) {
        self.change(|state| state.ended(id, last, result));
    }

    fn withdraw(&self, id: u64) {
        self.change(|state| state.withdraw(id));
    }
}

impl Inner {
    /// Makes the descriptor readable when the state wants its reader.
    fn set_descriptor(&mut self, now: Instant) {
        let wanted = self.state.as_ref().map_or(Wake::Never, State::wake);
        self.descriptor.set(wanted, now);
    }
}

impl Descriptor {
    fn set(&mut self, wanted: Wake, now: Instant) {
        let Some(timer) = &self.timer else { return };
        let is_set = match (self.set_to, wanted) {
            // It is readable already.
            (Wake::At(time), Wake::Now) => time <= now,
            (former, wanted) => former == wanted,
        };
        if !is_set {
            timer.set(match wanted {
                Wake::Now => Some(Duration::ZERO),
                Wake::At(time) => Some(time.saturating_duration_since(now)),
                Wake::Never => None,
            });
        }
        self.set_to = wanted;
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::Cancelled, "Cancelled", "the event queue has been freed")
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_waits_ends_when_the_queue_is_freed() {
        let queue = Arc::new(EventQueue::new().expect("queue"));
        let waiting = {
            let queue = queue.clone();
            std::thread::spawn(move || queue.next(None))
        };
        queue.close();
        let error = waiting.join().expect("no panic").expect_err("freed");
        assert_eq!(error.kind(), ErrorKind::Cancelled);
    }
}

#[cfg(all(test, shuttle))]
mod schedules;
