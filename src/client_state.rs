//! State shared by all clones of a client and by its downloads: the session, the scheduler and the owning process.

use std::sync::Arc;

use crate::model::error::{Error, ErrorKind, Result};
use crate::model::options::{ClientOptions, max_active_downloads, max_connections};
use crate::sys;
use crate::transfer::{Scheduler, Session, Task};

/// State shared by clones and downloads.
pub struct ClientState {
    pub session: Arc<Session>,
    pub scheduler: Arc<Scheduler<Task>>,
    /// The process that created the client: threads do not survive a fork.
    process: u32,
}

impl ClientState {
    /// Validates the options; starts no thread.
    pub fn new(options: ClientOptions) -> Result<Self> {
        let max_active = max_active_downloads(options.max_active_downloads);
        let max_connections = max_connections(options.max_connections);
        Ok(ClientState {
            session: Arc::new(Session::new(options)?),
            scheduler: Arc::new(Scheduler::new(max_active, max_connections)),
            process: sys::process::id(),
        })
    }

    /// Fails when the client's threads are lost: in a forked child, and when `exit()` did not wait for them.
    pub fn require_threads(&self) -> Result<()> {
        if self.process != sys::process::id() {
            return Err(Error::new(
                ErrorKind::Forked,
                "Forked",
                "this client belongs to the process that created it; create a new client after the fork",
            ));
        }
        if sys::exit::has_abandoned_threads() { Err(sys::exit::exiting()) } else { Ok(()) }
    }

    /// Cancels all downloads, waits until they have ended, and ends the threads.
    pub fn shut_down(&self) {
        for download in self.scheduler.close() {
            // Its result is reported through its handle.
            download.join();
        }
        self.scheduler.join_threads();
        self.session.shut_down();
    }
}

impl Drop for ClientState {
    fn drop(&mut self) {
        // Joining lost threads would never return.
        if self.require_threads().is_ok() {
            self.shut_down();
        } else {
            std::mem::forget((self.session.clone(), self.scheduler.clone()));
        }
    }
}
