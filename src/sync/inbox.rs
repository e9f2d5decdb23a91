//! A channel of crossbeam's whose one receiver sleeps at once when it is empty. crossbeam's own receivers first look
//! again several times and yield the processor in between, which costs a thread that waits for the network or the disk
//! twice as many context switches.

use std::time::Instant;

use crossbeam_channel::{RecvError, RecvTimeoutError, SendError, TryRecvError, unbounded};
use crossbeam_utils::sync::{Parker, Unparker};

/// Creates an inbox without a limit.
pub fn inbox<T>() -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = unbounded();
    let parker = Parker::new();
    let unparker = parker.unparker().clone();
    (Sender { open: Some(sender), unparker }, Receiver { receiver, parker })
}

/// Sends to an inbox; clones send to the same one.
pub struct Sender<T> {
    /// `None` only while it is dropped.
    open: Option<crossbeam_channel::Sender<T>>,
    unparker: Unparker,
}

/// Receives what is sent to an inbox, until all senders are dropped.
pub struct Receiver<T> {
    receiver: crossbeam_channel::Receiver<T>,
    parker: Parker,
}

impl<T> Sender<T> {
    /// Never waits. Fails when the receiver is dropped.
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        let Some(sender) = &self.open else { return Err(SendError(value)) };
        sender.send(value)?;
        self.unparker.unpark();
        Ok(())
    }

    /// Whether both send to one inbox.
    pub fn same_channel(&self, other: &Self) -> bool {
        match (&self.open, &other.open) {
            (Some(one), Some(other)) => one.same_channel(other),
            _ => false,
        }
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Sender { open: self.open.clone(), unparker: self.unparker.clone() }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        // First, so that the receiver, once awake, sees that no sender is left.
        self.open = None;
        self.unparker.unpark();
    }
}

impl<T> Receiver<T> {
    /// Waits for the next value; fails when all senders are dropped.
    pub fn recv(&self) -> Result<T, RecvError> {
        loop {
            match self.receiver.try_recv() {
                Err(TryRecvError::Empty) => self.parker.park(),
                other => return other.map_err(|_| RecvError),
            }
        }
    }

    /// As [`Receiver::recv`], until `until` at most.
    pub fn recv_deadline(&self, until: Instant) -> Result<T, RecvTimeoutError> {
        loop {
            match self.receiver.try_recv() {
                Err(TryRecvError::Empty) if Instant::now() >= until => {
                    return Err(RecvTimeoutError::Timeout);
                }
                Err(TryRecvError::Empty) => self.parker.park_deadline(until),
                other => return other.map_err(|_| RecvTimeoutError::Disconnected),
            }
        }
    }

    /// Does not wait.
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.receiver.try_recv()
    }

    /// Whether nothing has been sent that was not received.
    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.receiver.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;
    use std::time::Duration;

    #[test]
    fn every_value_arrives_however_the_threads_meet() {
        let (sender, receiver) = inbox();
        let senders: Vec<_> = (0..4)
            .map(|_| {
                let sender = sender.clone();
                thread::spawn(move || {
                    for value in 1..=10_000_u64 {
                        sender.send(value).expect("the receiver is there");
                        if value % 64 == 0 {
                            thread::yield_now();
                        }
                    }
                })
            })
            .collect();
        drop(sender);
        let received: u64 = std::iter::from_fn(|| receiver.recv().ok()).sum();
        assert_eq!(received, 4 * 10_000 * 10_001 / 2);
        senders.into_iter().for_each(|sender| sender.join().expect("a sender"));
    }

    #[test]
    fn a_wait_ends_when_the_last_sender_is_dropped() {
        let (sender, receiver) = inbox::<()>();
        let other = sender.clone();
        let dropping = thread::spawn(move || {
            drop(sender);
            thread::sleep(Duration::from_millis(5));
            drop(other);
        });
        receiver.recv().expect_err("nobody sends");
        dropping.join().expect("dropped");
    }

    #[test]
    fn a_wait_ends_at_its_deadline_and_not_before() {
        let (sender, receiver) = inbox();
        sender.send(1).expect("sent");
        let until = Instant::now() + Duration::from_millis(5);
        assert_eq!(receiver.recv_deadline(until), Ok(1), "the wake-up of this value is left over");
        assert_eq!(receiver.recv_deadline(until), Err(RecvTimeoutError::Timeout));
        assert!(Instant::now() >= until);
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    }
}
