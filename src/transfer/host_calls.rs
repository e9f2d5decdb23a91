//! Questions to the host that may take long, each asked on a thread of its own.

use crate::model::error::{Error, Result};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::channel::{Receiver, bounded};
use crate::sync::inbox;
use crate::sync::thread;
use crate::sys;
use crate::sys::panic::catch;
use crate::sys::thread::Joined;
use std::sync::Arc;

use super::event::Event;

/// Most calls without an answer whose downloads have ended. Each one occupies a thread.
pub const MAX_ABANDONED: usize = 64;

/// What the host was asked for, or the reason why there is none.
pub type Answer<T> = std::result::Result<T, String>;

/// The threads on which the host is asked.
#[derive(Default)]
pub struct HostCalls {
    asking: Mutex<Vec<Asking>>,
}

/// A call of the host's function.
struct Asking {
    answered: Arc<AtomicBool>,
    abandoned: Arc<AtomicBool>,
    thread: Joined,
}

impl Asking {
    /// Whether it has not been answered, and nobody waits for the answer.
    fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Acquire) && !self.answered.load(Ordering::Acquire)
    }
}

/// What became of a question.
pub enum Asked<T> {
    /// There is nobody to ask.
    Nobody,
    /// This many earlier calls, whose downloads have ended, have not been answered; the host was not called.
    TooOften(usize),
    Awaits(Answers<T>),
}

/// Receives the answer. Dropped when nobody waits for it any more.
pub struct Answers<T> {
    receiver: Receiver<Answer<T>>,
    abandoned: Arc<AtomicBool>,
}

impl<T> Answers<T> {
    /// An answer that the tests will give.
    #[cfg(test)]
    pub fn to_come() -> (crate::sync::channel::Sender<Answer<T>>, Self) {
        let (answer, receiver) = bounded(1);
        (answer, Answers { receiver, abandoned: Arc::default() })
    }

    /// The answer, if it has arrived.
    pub fn get(&self) -> Option<Answer<T>> {
        self.receiver.try_recv().ok()
    }
}

impl<T> Drop for Answers<T> {
    fn drop(&mut self) {
        self.abandoned.store(true, Ordering::Release);
    }
}

impl HostCalls {
    /// Calls `question` on a new thread `name`; `waiter` is woken when the answer has arrived. `panicked` is the answer
    /// of a function that panics.
    pub fn ask<T: Send + 'static>(
        &self,
        name: &str,
        waiter: &inbox::Sender<Event>,
        panicked: &'static str,
        question: impl FnOnce() -> Answer<T> + Send + 'static,
    ) -> Result<Asked<T>> {
        self.join_answered();
        let mut asking = self.asking.lock();
        let abandoned = asking.iter().filter(|asking| asking.is_abandoned()).count();
        if abandoned >= MAX_ABANDONED {
            return Ok(Asked::TooOften(abandoned));
        }
        let (answer, receiver) = bounded(1);
        let waiter = waiter.clone();
        let answered = Arc::new(AtomicBool::new(false));
        let done = answered.clone();
        let thread = sys::thread::spawn(name, move || {
            let given = catch(question).unwrap_or_else(|_| Err(panicked.to_owned()));
            // If the download has ended, nobody receives these, and a secret is wiped here.
            let _ = answer.send(given);
            let _ = waiter.send(Event::Wake);
            done.store(true, Ordering::Release);
        })
        .map_err(|error| Error::internal(format!("cannot start a thread: {error}")))?;
        let abandoned = Arc::new(AtomicBool::new(false));
        asking.push(Asking { answered, abandoned: abandoned.clone(), thread });
        Ok(Asked::Awaits(Answers { receiver, abandoned }))
    }

    fn join_answered(&self) {
        let mut asking = self.asking.lock();
        let (ended, running): (Vec<_>, Vec<_>) = std::mem::take(&mut *asking)
            .into_iter()
            .partition(|asking: &Asking| asking.answered.load(Ordering::Acquire));
        *asking = running;
        drop(asking);
        join(ended);
    }

    /// Waits for the threads. Downloads must have ended.
    pub fn shut_down(&self) {
        let asking = std::mem::take(&mut *self.asking.lock());
        join(asking);
    }

    /// Whether every call has been answered.
    #[cfg(test)]
    pub fn are_answered(&self) -> bool {
        self.asking.lock().iter().all(|asking| asking.answered.load(Ordering::Acquire))
    }
}

/// Joins all threads but this one.
fn join(asking: Vec<Asking>) {
    let here = thread::current().id();
    for Asking { thread, .. } in asking {
        if thread.id() != here {
            // Its answer has been sent.
            let _ = thread.join();
        }
    }
}
