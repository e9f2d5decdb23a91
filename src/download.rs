//! A download's handle.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::client_state::ClientState;
use crate::model::error::Result;
use crate::model::outcome::{Outcome, Status};
use crate::transfer::Shared;

/// How often a progress callback runs, at least.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// One running or ended transfer. Dropping it cancels the transfer and waits for its end; the checkpoint is kept.
pub struct Download {
    shared: Arc<Shared>,
    /// Keeps the client's threads while the download needs them.
    client: Arc<ClientState>,
}

impl Download {
    pub(crate) fn new(shared: Arc<Shared>, client: Arc<ClientState>) -> Self {
        Download { shared, client }
    }

    /// Waits until the download ends, or for `timeout`; `None` when the time is up. May be called again, and from
    /// several threads; each success gives a fresh outcome.
    ///
    /// In a forked child, where nothing runs that could end, this is `Forked` at once; in an exit handler that runs
    /// after a download could not be waited for, it is `Cancelled`.
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

    /// A snapshot; never blocks on the network or the disk. In a forked child, where nothing goes on, the phase is
    /// `Failed`.
    pub fn status(&self) -> Status {
        match self.client.require_threads() {
            Ok(()) => self.shared.status(),
            Err(_) => self.shared.status_without_threads(),
        }
    }

    /// Limits this download to `bytes_per_second` from now on, over all its connections; 0 is no limit. The limit of
    /// the client holds as well. Does nothing in a forked child.
    pub fn set_bandwidth(&self, bytes_per_second: u64) {
        if self.client.require_threads().is_ok() {
            self.shared.bandwidth.set(bytes_per_second);
        }
    }

    /// Asks the download to end with `Cancelled` and returns at once. The checkpoint is kept. Does nothing in a forked
    /// child.
    pub fn cancel(&self) {
        if self.client.require_threads().is_ok() {
            self.shared.cancel();
        }
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        // Where the threads are lost there is nobody to wait for, and a lock that one held is never released.
        if self.client.require_threads().is_err() {
            std::mem::forget((self.shared.clone(), self.client.clone()));
            return;
        }
        self.shared.cancel();
        self.shared.join();
    }
}

/// None: no limit, also for a time-out beyond what the clock can hold.
fn deadline(timeout: Option<Duration>) -> Option<Instant> {
    timeout.and_then(|timeout| Instant::now().checked_add(timeout))
}
