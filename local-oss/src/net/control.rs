//! Waits that end when the client disconnects or the server stops.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::Errno;

/// Signals all threads of a running server to stop.
pub(crate) struct Control {
    stopping: AtomicBool,
    /// Readable once the server stops, so that every wait ends.
    wake: OwnedFd,
}

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WaitEnd {
    /// The time has passed.
    Elapsed,
    /// The client has closed its side, or the connection broke.
    ClientGone,
    /// The server is stopping.
    Stopping,
}

impl Control {
    pub(crate) fn new() -> io::Result<Self> {
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Control { stopping: AtomicBool::new(false), wake })
    }

    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        // Cannot fail: the counter is far from its limit.
        let _ = rustix::io::write(&self.wake, &1u64.to_ne_bytes());
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Waits until a connection can be accepted or the server stops.
    pub(crate) fn wait_for_client(&self, listener: &TcpListener) -> io::Result<()> {
        let mut events =
            [PollFd::new(listener, PollFlags::IN), PollFd::new(&self.wake, PollFlags::IN)];
        match poll(&mut events, None) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits for `time` (`None`: for ever) while watching the client.
    pub(crate) fn wait(&self, socket: &TcpStream, time: Option<Duration>) -> WaitEnd {
        let end = time.and_then(|time| Instant::now().checked_add(time));
        loop {
            if self.is_stopping() {
                return WaitEnd::Stopping;
            }
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            let timeout = left.and_then(|left| Timespec::try_from(left).ok());
            let mut events =
                [PollFd::new(socket, PollFlags::RDHUP), PollFd::new(&self.wake, PollFlags::IN)];
            let ready = poll(&mut events, timeout.as_ref());
            let [client, _] = &events;
            match ready {
                Ok(0) => return WaitEnd::Elapsed,
                Ok(_) if !client.revents().is_empty() => return WaitEnd::ClientGone,
                Ok(_) | Err(Errno::INTR) => {}
                Err(_) => return WaitEnd::ClientGone,
            }
        }
    }
}
