//! State shared by all clones of a client and by its downloads: the session, the scheduler and the owning process.

use std::sync::{Arc, Weak};

use crate::model::error::{Error, ErrorKind, Result};
use crate::model::options::{ClientOptions, max_active_downloads, max_connections};
use crate::sync::Mutex;
use crate::sys;
use crate::transfer::{Scheduler, Session, Task};

/// Work that starts downloads of the client on a thread of its own.
pub trait Dependent: Send + Sync {
    /// Makes it end. Does not wait.
    fn cancel(&self);

    /// Waits until it has ended.
    fn join(&self);
}

/// State shared by clones and downloads.
pub struct ClientState {
    pub session: Arc<Session>,
    pub scheduler: Arc<Scheduler<Task>>,
    dependents: Mutex<Vec<Weak<dyn Dependent>>>,
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
            dependents: Mutex::default(),
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

    /// Has `dependent` ended when the client shuts down.
    pub fn add_dependent(&self, dependent: Weak<dyn Dependent>) {
        let mut dependents = self.dependents.lock();
        dependents.retain(|one| one.strong_count() > 0);
        dependents.push(dependent);
    }

    /// Cancels all downloads, waits until they have ended, and ends the threads.
    pub fn shut_down(&self) {
        let dependents: Vec<_> = self.dependents.lock().iter().filter_map(Weak::upgrade).collect();
        dependents.iter().for_each(|dependent| dependent.cancel());
        let active = self.scheduler.close();
        dependents.iter().for_each(|dependent| dependent.join());
        for download in active {
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
