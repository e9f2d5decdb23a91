//! Channels between threads. Several may wait on one receiver.
//!
//! A receiver that waits sleeps at once. Most waits here are for the network or the disk, and those channels that look
//! again and again first cost more processor time than the transfer of a small object.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::atomic::{AtomicUsize, Ordering};
use super::{Condvar, Mutex};

/// A channel that holds any number of messages.
pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    bounded(usize::MAX)
}

/// A channel that holds up to `capacity` messages, at least one; a sender waits while it is full.
pub fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let state = State { messages: VecDeque::new(), is_closed: false };
    let channel = Arc::new(Channel {
        state: Mutex::new(state),
        filled: Condvar::new(),
        drained: Condvar::new(),
        senders: AtomicUsize::new(1),
        capacity: capacity.max(1),
    });
    (Sender(channel.clone()), Receiver(channel))
}

/// Sends messages. A clone sends to the same channel.
pub struct Sender<T>(Arc<Channel<T>>);

/// Receives the messages, those of each sender in their order.
pub struct Receiver<T>(Arc<Channel<T>>);

struct Channel<T> {
    state: Mutex<State<T>>,
    /// A message has come, or the last sender has gone.
    filled: Condvar,
    /// A message was taken, or the receiver has gone.
    drained: Condvar,
    senders: AtomicUsize,
    capacity: usize,
}

struct State<T> {
    messages: VecDeque<T>,
    /// Its receiver or all its senders have gone.
    is_closed: bool,
}

/// The receiver has gone; this is the message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SendError<T>(pub T);

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SendError")
    }
}

/// Why nothing was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecvError {
    /// No message has come yet.
    Empty,
    /// There is no message, and no sender any more.
    Disconnected,
}

impl<T> Sender<T> {
    /// Sends a message; waits while the channel is full.
    pub fn send(&self, message: T) -> Result<(), SendError<T>> {
        let mut state = self.0.state.lock();
        while !state.is_closed && state.messages.len() >= self.0.capacity {
            self.0.drained.wait(&mut state);
        }
        if state.is_closed {
            return Err(SendError(message));
        }
        state.messages.push_back(message);
        drop(state);
        self.0.filled.notify_one();
        Ok(())
    }

    /// Whether both send to the same channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.0.senders.fetch_add(1, Ordering::Relaxed);
        Sender(self.0.clone())
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        if self.0.senders.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.state.lock().is_closed = true;
            self.0.filled.notify_all();
        }
    }
}

impl<T> Receiver<T> {
    /// Waits for a message.
    pub fn recv(&self) -> Result<T, RecvError> {
        self.take(|state| {
            self.0.filled.wait(state);
            true
        })
    }

    /// Waits for a message, at most until `at`.
    pub fn recv_deadline(&self, at: Instant) -> Result<T, RecvError> {
        self.take(|state| !self.0.filled.wait_until(state, at).timed_out())
    }

    /// Waits for a message, at most for `timeout`.
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvError> {
        self.recv_deadline(Instant::now() + timeout)
    }

    /// A message that has come.
    pub fn try_recv(&self) -> Result<T, RecvError> {
        self.take(|_| false)
    }

    /// The messages that have come.
    pub fn try_iter(&self) -> impl Iterator<Item = T> + '_ {
        std::iter::from_fn(|| self.try_recv().ok())
    }

    /// The next message. `wait` waits for a change; `false` if there is no more time.
    fn take(&self, wait: impl Fn(&mut Guard<'_, T>) -> bool) -> Result<T, RecvError> {
        let mut state = self.0.state.lock();
        let mut has_time = true;
        loop {
            if let Some(message) = state.messages.pop_front() {
                drop(state);
                if self.0.capacity != usize::MAX {
                    self.0.drained.notify_one();
                }
                return Ok(message);
            }
            match (state.is_closed, has_time) {
                (true, _) => return Err(RecvError::Disconnected),
                (false, false) => return Err(RecvError::Empty),
                (false, true) => has_time = wait(&mut state),
            }
        }
    }
}

type Guard<'a, T> = super::MutexGuard<'a, State<T>>;

impl<'a, T> IntoIterator for &'a Receiver<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        Iter(self)
    }
}

/// The messages until the last sender has gone.
pub struct Iter<'a, T>(&'a Receiver<T>);

impl<T> Iterator for Iter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.recv().ok()
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.is_closed = true;
        let left = std::mem::take(&mut state.messages);
        drop(state);
        self.0.drained.notify_all();
        // Without the lock: a message may own a sender of this channel.
        drop(left);
    }
}

#[cfg(test)]
mod tests;
