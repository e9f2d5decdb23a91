//! A descriptor that becomes readable at a chosen time, for `poll` and `epoll`.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};

/// A timer of the kernel. Its descriptor stays readable from the chosen time until another one is chosen.
pub struct Timer(OwnedFd);

impl Timer {
    /// A timer that is not set.
    pub fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        Ok(Timer(rustix::time::timerfd_create(TimerfdClockId::Monotonic, flags)?))
    }

    /// Makes the descriptor readable after `delay`, and not before; never if there is none.
    pub fn set(&self, delay: Option<Duration>) {
        let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
        let delay = delay.map_or(zero, |delay| Timespec {
            tv_sec: i64::try_from(delay.as_secs()).unwrap_or(i64::MAX),
            // To the kernel, zero means never.
            tv_nsec: delay.subsec_nanos().max(1).into(),
        });
        let once = Itimerspec { it_interval: zero, it_value: delay };
        // It fails only if the descriptor or the time is not valid.
        let _ = rustix::time::timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &once);
    }
}

impl AsFd for Timer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
