//! Downloads of all objects whose keys have a prefix, on top of the client.
//!
//! `run` is the thread that lists, looks at each object and feeds the client's queue, `objects` what it does about one of
//! them. `mapping`, `plan` and `decision` are its pure rules, `manifest` its memory of earlier runs.

mod active;
mod control;
mod decision;
mod inspection;
mod leftovers;
pub mod manifest;
pub mod mapping;
mod objects;
mod outcome;
mod plan;
mod run;
mod setup;
mod tree;

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::client::Client;
use crate::client_state::{ClientState, Dependent};
use crate::model::error::{Error, Result};
use crate::model::prefix::{PrefixPhase, PrefixRequest, PrefixStatus};
use crate::sync::Mutex;
use crate::sys::panic;
use crate::sys::thread::{Joined, spawn};

use control::Control;

pub use active::ActiveObject;
pub use outcome::{ObjectResult, PrefixObject, PrefixOutcome};

/// A running or ended prefix download. Dropping it cancels the download and waits for its end; what is complete stays, and
/// checkpoints are kept.
pub struct PrefixDownload {
    control: Arc<Control>,
    thread: Mutex<Option<Joined>>,
    /// Keeps the client's threads alive while the download needs them.
    client: Arc<ClientState>,
}

impl Client {
    /// Downloads every object whose key has a prefix, and blocks until the end. See [`Client::start_prefix`].
    pub fn download_prefix(&self, request: &PrefixRequest) -> Result<PrefixOutcome> {
        let ended = self.start_prefix(request)?.wait(None);
        ended.unwrap_or_else(|| Err(Error::internal("a wait without a limit timed out")))
    }

    /// Validates the request, locks the directory's manifest and starts to download every object whose key has a prefix.
    /// Requires the permissions `oss:ListObjects` and `oss:GetObject`.
    ///
    /// First all objects are listed, which takes about 150 bytes of memory for each besides its key; nothing is written
    /// before. Each object is then downloaded as by [`Client::start`], with a checkpoint: through the client's queue and
    /// within its limits. Not all are queued at once: those that were started otherwise take their turns in between.
    ///
    /// An object that fails does not stop the others: see [`PrefixOutcome`]. The download as a whole fails if the
    /// objects cannot be listed, if it is cancelled or its deadline passes, and if the client is closed or its
    /// requests are disabled.
    ///
    /// The *manifest* records the files that are complete. A later call fetches only what is missing: objects that are
    /// new, that have another size or ETag (or CRC-64, if the listing says one) than when they were downloaded, and the
    /// damaged parts of files that have changed on the disk. A file counts as unchanged if size, modification time and
    /// inode are those that it was left with; [`PrefixRequest::verify`] reads it. A change within the resolution of the
    /// file system's clock, a few milliseconds after a download has ended, is found only with `verify`. Files of
    /// objects that are not there any more are not deleted. A file that no record tells of is compared with its object's
    /// checksum. Objects that are symbolic links are fetched each time, because the listing does not show whether their
    /// targets have changed.
    ///
    /// `Busy` if another run downloads to the same directory.
    pub fn start_prefix(&self, request: &PrefixRequest) -> Result<PrefixDownload> {
        let state = self.state().clone();
        state.require_threads()?;
        let mut run = setup::prepare(self, request)?;
        let control = run.control.clone();
        let dependent: Weak<Control> = Arc::downgrade(&control);
        state.add_dependent(dependent);
        let started = spawn("oss-prefix", move || {
            let control = run.control.clone();
            control.enter();
            control.report_start();
            let result = panic::catch(|| run.run()).unwrap_or_else(|defect| Err(defect.into()));
            // Whoever learns of the end may start the next one in this directory.
            run.release();
            control.end(result);
            control.leave();
        });
        let thread =
            started.map_err(|error| Error::internal(format!("cannot start a thread: {error}")))?;
        Ok(PrefixDownload { control, thread: Mutex::new(Some(thread)), client: state })
    }
}

impl PrefixDownload {
    /// Waits until everything has ended, at most for `timeout`; `None` on time-out. May be called again, and from several
    /// threads.
    ///
    /// In a forked child, where the threads do not exist, returns `Forked` immediately.
    pub fn wait(&self, timeout: Option<Duration>) -> Option<Result<PrefixOutcome>> {
        if let Err(lost) = self.client.require_threads() {
            return Some(Err(lost));
        }
        self.control.wait(timeout)
    }

    /// Returns the current status. Never waits for the network or the disk. In a forked child the phase is `Failed`.
    pub fn status(&self) -> PrefixStatus {
        match self.client.require_threads() {
            Ok(()) => self.control.status(),
            Err(_) => PrefixStatus { phase: PrefixPhase::Failed, ..PrefixStatus::default() },
        }
    }

    /// Pauses the downloads of all objects, until [`PrefixDownload::resume`] is called; see
    /// [`Download::pause`](crate::Download::pause). A listing that has begun is completed. Returns immediately.
    pub fn pause(&self) {
        if self.client.require_threads().is_ok() {
            self.control.pause();
        }
    }

    /// Ends [`PrefixDownload::pause`].
    pub fn resume(&self) {
        if self.client.require_threads().is_ok() {
            self.control.resume();
        }
    }

    /// Cancels everything; the download then ends with `Cancelled`. Returns immediately. What is complete stays, and
    /// checkpoints are kept. Does nothing in a forked child.
    pub fn cancel(&self) {
        if self.client.require_threads().is_ok() {
            self.control.cancel();
        }
    }
}

impl Drop for PrefixDownload {
    fn drop(&mut self) {
        // After a fork the thread does not exist.
        if self.client.require_threads().is_err() {
            std::mem::forget((self.control.clone(), self.client.clone()));
            return;
        }
        self.control.cancel();
        self.control.join();
        let thread = self.thread.lock().take();
        if let Some(thread) = thread
            && thread.id() != crate::sync::thread::current().id()
        {
            // It has published its defects as its result.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for PrefixDownload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrefixDownload").finish_non_exhaustive()
    }
}
