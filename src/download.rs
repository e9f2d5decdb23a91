//! The handle of a download.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::client_state::ClientState;
use crate::model::error::Result;
use crate::model::outcome::{Outcome, Status};
use crate::transfer::{PausedBy, Shared};

/// Longest time between two calls of a progress callback.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// A queued, running or ended download. Dropping it cancels the download and waits for its end; the checkpoint is kept.
pub struct Download {
    shared: Arc<Shared>,
    /// Keeps the client's threads alive while the download needs them.
    client: Arc<ClientState>,
}

impl Download {
    pub(crate) fn new(shared: Arc<Shared>, client: Arc<ClientState>) -> Self {
        Download { shared, client }
    }

    /// Waits until the download ends, at most for `timeout`; `None` on time-out. May be called again, and from several
    /// threads; each success returns a new outcome.
    ///
    /// In a forked child, where the download's threads do not exist, returns `Forked` immediately. Returns `Cancelled`
    /// in an exit handler that runs after the library has stopped waiting for the download.
    pub fn wait(&self, timeout: Option<Duration>) -> Option<Result<Outcome>> {
        if let Err(lost) = self.client.require_threads() {
            return Some(Err(lost));
        }
        self.shared.wait_until(deadline(timeout))
    }

    /// As [`Download::wait`]; `progress` runs on this thread at least every 200 ms, also without new bytes, and
    /// returns `false` to cancel. It runs a last time when the download has ended.
    pub fn wait_with(
        &self,
        timeout: Option<Duration>,
        progress: &mut dyn FnMut(&Status) -> bool,
    ) -> Option<Result<Outcome>> {
        if let Err(lost) = self.client.require_threads() {
            return Some(Err(lost));
        }
        let until = deadline(timeout);
        loop {
            let next = Instant::now() + PROGRESS_EVERY;
            let result = self.shared.wait_until(Some(until.map_or(next, |until| until.min(next))));
            if !progress(&self.shared.status()) {
                self.cancel();
            }
            if result.is_some() || until.is_some_and(|until| Instant::now() >= until) {
                return result;
            }
        }
    }

    /// Returns the current status. Never waits for the network or the disk. In a forked child the phase is `Failed`.
    pub fn status(&self) -> Status {
        match self.client.require_threads() {
            Ok(()) => self.shared.status(),
            Err(_) => self.shared.status_without_threads(),
        }
    }

    /// Sets the bandwidth limit of this download in bytes per second, over all its connections, from now on; 0: no
    /// limit. The limit of the client applies as well. Does nothing in a forked child.
    pub fn set_bandwidth(&self, bytes_per_second: u64) {
        if self.client.require_threads().is_ok() {
            self.shared.bandwidth.set(bytes_per_second);
        }
    }

    /// Pauses the download until [`Download::resume`] is called, at any time and from any thread. Returns immediately;
    /// pausing again changes nothing.
    ///
    /// Within a second its connections are closed and what they brought is stored and recorded; then the phase is
    /// [`Phase::Paused`](crate::Phase::Paused). Connections that it no longer used stay open while other downloads of the
    /// client may use them. Its files stay locked. A request without a reply is sent again after the
    /// pause, an unfinished verification of the file goes on where it stopped, and the time paused counts against no
    /// limit but `deadline`. A flush and a rename that have begun are completed. An object that is fetched in one
    /// stream, because it is processed or because the service ignores ranges or sends no ETag, starts over after the
    /// pause.
    ///
    /// A queued download is paused at once, and returns to its place in the queue when it is resumed. One that has started
    /// still counts as one of the client's active downloads, but gives its connections to the others.
    ///
    /// [`Download::wait`] goes on waiting; a cancel works at once. After the end, and in a forked child, it does nothing.
    pub fn pause(&self) {
        if self.client.require_threads().is_ok() {
            self.shared.pause(PausedBy::Handle);
        }
    }

    /// Ends [`Download::pause`]: the download goes on at its byte, unless its client is paused. Credentials that have
    /// expired meanwhile are asked for anew.
    pub fn resume(&self) {
        if self.client.require_threads().is_ok() {
            self.shared.resume(PausedBy::Handle);
        }
    }

    /// Changes the priority, which counts while the download is queued
    /// ([`DownloadRequest::priority`](crate::DownloadRequest::priority)): among the downloads of its new priority, its
    /// place is that of its call. Does nothing in a forked child.
    pub fn set_priority(&self, priority: i32) {
        if self.client.require_threads().is_ok() {
            self.shared.set_priority(priority);
        }
    }

    /// Cancels the download, which then ends with `Cancelled`. Returns immediately. The download ends within 100 ms,
    /// whatever it waits for, or as soon as the disk has done the one call that is running; a queued download has ended
    /// when the call returns. The checkpoint is kept. Does nothing in a forked child.
    pub fn cancel(&self) {
        if self.client.require_threads().is_ok() {
            self.shared.cancel();
        }
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        // After a fork the threads do not exist: there is nothing to wait for, and a lock that one of them held is
        // never released.
        if self.client.require_threads().is_err() {
            std::mem::forget((self.shared.clone(), self.client.clone()));
            return;
        }
        self.shared.cancel();
        self.shared.join();
    }
}

/// `None` means no limit, also for a time-out that the clock cannot represent.
fn deadline(timeout: Option<Duration>) -> Option<Instant> {
    timeout.and_then(|timeout| Instant::now().checked_add(timeout))
}
