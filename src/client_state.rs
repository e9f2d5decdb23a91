//! What all clones of a client, and its downloads, share: the session, the downloads that run, and who owns them.

use std::sync::{Arc, Weak};

use crate::model::error::{Error, ErrorKind, Result};
use crate::model::options::ClientOptions;
use crate::sync::Mutex;
use crate::sys;
use crate::sys::thread;
use crate::transfer::{self, Session, Shared, Task};

/// What clones and downloads share.
pub struct ClientState {
    pub session: Arc<Session>,
    running: Mutex<Running>,
    /// The process that made the client: threads do not survive a fork.
    process: u32,
}

#[derive(Default)]
struct Running {
    downloads: Vec<Weak<Shared>>,
    closed: bool,
    disabled: bool,
}

impl ClientState {
    /// Checks the options; starts nothing.
    pub fn new(options: ClientOptions) -> Result<Self> {
        let session = Arc::new(Session::new(options)?);
        Ok(ClientState { session, running: Mutex::default(), process: std::process::id() })
    }

    /// Ends running downloads with `ClientError:100002` and refuses later ones until [`ClientState::enable`].
    pub fn disable(&self) {
        let mut running = self.running.lock();
        running.disabled = true;
        running.downloads.iter().filter_map(Weak::upgrade).for_each(|download| download.disable());
    }

    /// Lets downloads start again.
    pub fn enable(&self) {
        self.running.lock().disabled = false;
    }

    /// Refuses where the client's threads are lost: in a forked child, and when `exit()` could not wait for them.
    pub fn require_threads(&self) -> Result<()> {
        if self.process != std::process::id() {
            return Err(Error::new(
                ErrorKind::Forked,
                "Forked",
                "this client belongs to the process that made it; make a client after the fork",
            ));
        }
        if sys::exit::has_abandoned_threads() { Err(sys::exit::exiting()) } else { Ok(()) }
    }

    /// Starts a download's driver. Under the lock, so that a client that is being closed finds it or refuses it.
    pub fn run(&self, task: Task) -> Result<Arc<Shared>> {
        let mut running = self.running.lock();
        if running.closed {
            return Err(Error::new(
                ErrorKind::Cancelled,
                "Cancelled",
                "the client is closed; no download can start on it",
            ));
        }
        if running.disabled {
            return Err(Error::disabled());
        }
        let shared = task.shared.clone();
        let driver = thread::spawn("oss-download", move || transfer::run(task))
            .map_err(|error| Error::internal(format!("cannot start a thread: {error}")))?;
        shared.set_driver(driver);
        running.downloads.retain(|download| download.strong_count() > 0);
        running.downloads.push(Arc::downgrade(&shared));
        Ok(shared)
    }

    /// Lets no download start any more and cancels those that run.
    pub fn close(&self) -> Vec<Arc<Shared>> {
        let mut running = self.running.lock();
        running.closed = true;
        let downloads: Vec<_> = running.downloads.iter().filter_map(Weak::upgrade).collect();
        for download in &downloads {
            download.cancel();
        }
        downloads
    }
}

impl Drop for ClientState {
    fn drop(&mut self) {
        // Joining threads that are lost would hang for ever.
        if self.require_threads().is_ok() {
            self.session.shut_down();
        } else {
            std::mem::forget(self.session.clone());
        }
    }
}
