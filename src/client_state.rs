//! State shared by all clones of a client and by its downloads: the session, the running downloads and the owning
//! process.

use std::sync::{Arc, Weak};

use crate::model::error::{Error, ErrorKind, Result};
use crate::model::options::ClientOptions;
use crate::sync::Mutex;
use crate::sys;
use crate::sys::thread;
use crate::transfer::{self, PausedBy, Session, Shared, Task};

/// State shared by clones and downloads.
pub struct ClientState {
    pub session: Arc<Session>,
    running: Mutex<Running>,
    /// The process that created the client: threads do not survive a fork.
    process: u32,
}

#[derive(Default)]
struct Running {
    downloads: Vec<Weak<Shared>>,
    closed: bool,
    disabled: bool,
    paused: bool,
}

impl ClientState {
    /// Validates the options; starts no thread.
    pub fn new(options: ClientOptions) -> Result<Self> {
        let session = Arc::new(Session::new(options)?);
        Ok(ClientState { session, running: Mutex::default(), process: std::process::id() })
    }

    /// Ends running downloads with `ClientError:100002` and refuses new ones until [`ClientState::enable`] is called.
    pub fn disable(&self) {
        let mut running = self.running.lock();
        running.disabled = true;
        running.downloads.iter().filter_map(Weak::upgrade).for_each(|download| download.disable());
    }

    /// Allows downloads again.
    pub fn enable(&self) {
        self.running.lock().disabled = false;
    }

    /// Pauses running downloads and those that start until [`ClientState::resume`] is called.
    pub fn pause(&self) {
        let mut running = self.running.lock();
        running.paused = true;
        let downloads = running.downloads.iter().filter_map(Weak::upgrade);
        downloads.for_each(|download| download.pause(PausedBy::Client));
    }

    /// Lets downloads go on.
    pub fn resume(&self) {
        let mut running = self.running.lock();
        running.paused = false;
        let downloads = running.downloads.iter().filter_map(Weak::upgrade);
        downloads.for_each(|download| download.resume(PausedBy::Client));
    }

    /// Fails when the client's threads are lost: in a forked child, and when `exit()` did not wait for them.
    pub fn require_threads(&self) -> Result<()> {
        if self.process != std::process::id() {
            return Err(Error::new(
                ErrorKind::Forked,
                "Forked",
                "this client belongs to the process that created it; create a new client after the fork",
            ));
        }
        if sys::exit::has_abandoned_threads() { Err(sys::exit::exiting()) } else { Ok(()) }
    }

    /// Starts a download's driver. Holds the lock, so that a concurrent `close` either finds the download or refuses
    /// it.
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
        if running.paused {
            shared.pause(PausedBy::Client);
        }
        if let Some(queue) = &task.request.events {
            shared.report_to(queue)?;
        }
        let driver = thread::spawn("oss-download", move || transfer::run(task))
            .map_err(|error| Error::internal(format!("cannot start a thread: {error}")))?;
        shared.set_driver(driver);
        running.downloads.retain(|download| download.strong_count() > 0);
        running.downloads.push(Arc::downgrade(&shared));
        Ok(shared)
    }

    /// Refuses new downloads and cancels the running ones.
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
        // Joining lost threads would never return.
        if self.require_threads().is_ok() {
            self.session.shut_down();
        } else {
            std::mem::forget(self.session.clone());
        }
    }
}
