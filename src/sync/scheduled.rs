//! shuttle's locks, channels, atomics and threads with the interface of parking_lot, crossbeam and std. Time does not
//! pass here: the schedule decides whether a timed wait times out.

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

/// `None` only while [`Condvar::wait`] owns the guard.
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

impl<T> Drop for MutexGuard<'_, T> {
    /// Lets other threads run after the release of a lock; shuttle alone would continue with this one.
    fn drop(&mut self) {
        if self.0.take().is_some() && !std::thread::panicking() {
            thread::yield_now();
        }
    }
}

#[derive(Debug, Default)]
pub struct Condvar(shuttle::sync::Condvar);

/// Whether a wait timed out.
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

    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}

pub mod channel {
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use shuttle::sync::mpsc;

    pub use shuttle::sync::mpsc::{RecvError, SendError, TryRecvError};

    pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
        let (sender, receiver) = mpsc::channel();
        (Sender::to(Way::Unbounded(sender)), Receiver(receiver))
    }

    pub fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
        let (sender, receiver) = mpsc::sync_channel(capacity);
        (Sender::to(Way::Bounded(sender)), Receiver(receiver))
    }

    pub struct Sender<T> {
        way: Way<T>,
        /// Shared by all senders of one channel.
        channel: Arc<()>,
    }

    enum Way<T> {
        Unbounded(mpsc::Sender<T>),
        Bounded(mpsc::SyncSender<T>),
    }

    impl<T> Clone for Sender<T> {
        fn clone(&self) -> Self {
            let way = match &self.way {
                Way::Unbounded(sender) => Way::Unbounded(sender.clone()),
                Way::Bounded(sender) => Way::Bounded(sender.clone()),
            };
            Sender { way, channel: self.channel.clone() }
        }
    }

    impl<T> Sender<T> {
        fn to(way: Way<T>) -> Self {
            Sender { way, channel: Arc::default() }
        }

        pub fn send(&self, value: T) -> Result<(), SendError<T>> {
            match &self.way {
                Way::Unbounded(sender) => sender.send(value),
                Way::Bounded(sender) => sender.send(value),
            }
        }

        pub fn same_channel(&self, other: &Self) -> bool {
            Arc::ptr_eq(&self.channel, &other.channel)
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

pub mod inbox {
    pub use super::channel::{Receiver, Sender, unbounded as inbox};
}

/// Runs `model` under thousands of schedules: half of them random, half with few switches at chosen points (PCT), which
/// finds orders that random schedules rarely produce. A failure prints its schedule.
pub fn explore(model: impl Fn() + Send + Sync + 'static) {
    let is_long = std::env::var("TEST_EFFORT").is_ok_and(|effort| effort == "long");
    let schedules = if is_long { 20_000 } else { 2_000 };
    let model = std::sync::Arc::new(model);
    let same = model.clone();
    shuttle::check_random(move || model(), schedules);
    shuttle::check_pct(move || same(), schedules, 4);
}

mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    #[should_panic(expected = "an update is lost")]
    fn a_race_is_found() {
        explore(|| {
            let count = Arc::new(Mutex::new(0));
            let add_one = |count: &Mutex<i32>| {
                let before = *count.lock();
                *count.lock() = before + 1;
            };
            let same = count.clone();
            let other = thread::spawn(move || add_one(&same));
            add_one(&count);
            other.join().expect("other");
            assert_eq!(*count.lock(), 2, "an update is lost");
        });
    }

    #[test]
    #[should_panic(expected = "deadlock")]
    fn a_lost_wakeup_is_found() {
        explore(|| {
            let pair = Arc::new((Mutex::new(false), Condvar::new()));
            let same = pair.clone();
            let waker = thread::spawn(move || {
                *same.0.lock() = true;
                same.1.notify_all();
            });
            if !*pair.0.lock() {
                let mut held = pair.0.lock();
                pair.1.wait(&mut held);
            }
            waker.join().expect("waker");
        });
    }
}
