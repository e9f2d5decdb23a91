//! shuttle's locks, channels, atomics and threads with the calls of parking_lot, crossbeam and std. Time does not pass
//! here: whatever waits for a moment finds that it has come, or has not, as the schedule decides.

use std::ops::{Deref, DerefMut};
use std::time::Instant;

use shuttle::rand::{Rng, thread_rng};

pub use shuttle::sync::atomic;
pub use shuttle::thread;

#[derive(Debug, Default)]
pub struct Mutex<T>(shuttle::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub fn new(value: T) -> Self {
        Mutex(shuttle::sync::Mutex::new(value))
    }

    pub fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard(Some(self.0.lock().expect("no holder panicked")))
    }
}

/// Holds nothing only while [`Condvar::wait`] has it.
pub struct MutexGuard<'a, T>(Option<shuttle::sync::MutexGuard<'a, T>>);

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.0.as_ref().expect("not waiting")
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_mut().expect("not waiting")
    }
}

#[derive(Debug, Default)]
pub struct Condvar(shuttle::sync::Condvar);

/// Whether a wait ended because its time was up.
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    pub fn timed_out(&self) -> bool {
        self.0
    }
}

impl Condvar {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        let held = guard.0.take().expect("not waiting");
        guard.0 = Some(self.0.wait(held).expect("no holder panicked"));
    }

    pub fn wait_until<T>(&self, guard: &mut MutexGuard<'_, T>, _: Instant) -> WaitTimeoutResult {
        let times_out = thread_rng().gen_bool(0.5);
        if !times_out {
            self.wait(guard);
        }
        WaitTimeoutResult(times_out)
    }

    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}

pub mod channel {
    use std::time::{Duration, Instant};

    use shuttle::sync::mpsc;

    pub use shuttle::sync::mpsc::{RecvError, SendError, TryRecvError};

    pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
        let (sender, receiver) = mpsc::channel();
        (Sender::Unbounded(sender), Receiver(receiver))
    }

    pub fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
        let (sender, receiver) = mpsc::sync_channel(capacity);
        (Sender::Bounded(sender), Receiver(receiver))
    }

    pub enum Sender<T> {
        Unbounded(mpsc::Sender<T>),
        Bounded(mpsc::SyncSender<T>),
    }

    impl<T> Clone for Sender<T> {
        fn clone(&self) -> Self {
            match self {
                Sender::Unbounded(sender) => Sender::Unbounded(sender.clone()),
                Sender::Bounded(sender) => Sender::Bounded(sender.clone()),
            }
        }
    }

    impl<T> Sender<T> {
        pub fn send(&self, value: T) -> Result<(), SendError<T>> {
            match self {
                Sender::Unbounded(sender) => sender.send(value),
                Sender::Bounded(sender) => sender.send(value),
            }
        }
    }

    pub struct Receiver<T>(mpsc::Receiver<T>);

    impl<T> Receiver<T> {
        pub fn recv(&self) -> Result<T, RecvError> {
            self.0.recv()
        }

        pub fn recv_timeout(&self, _: Duration) -> Result<T, RecvError> {
            self.0.recv()
        }

        pub fn recv_deadline(&self, _: Instant) -> Result<T, RecvError> {
            self.0.recv()
        }

        pub fn try_recv(&self) -> Result<T, TryRecvError> {
            self.0.try_recv()
        }

        pub fn try_iter(&self) -> mpsc::TryIter<'_, T> {
            self.0.try_iter()
        }
    }

    impl<'a, T> IntoIterator for &'a Receiver<T> {
        type Item = T;
        type IntoIter = mpsc::Iter<'a, T>;
        fn into_iter(self) -> Self::IntoIter {
            self.0.iter()
        }
    }
}
