//! A client: endpoint, credentials, connections and the threads that serve its downloads.

use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::checkpoint::journal::JournalPlace;
use crate::checkpoint::manage::{self, CheckpointInfo};
use crate::download::Download;
use crate::model::credentials::{AccessKey, Credentials};
use crate::model::error::{Error, ErrorKind, Result};
use crate::model::options::ClientOptions;
use crate::model::outcome::{Outcome, Status};
use crate::model::request::DownloadRequest;
use crate::oss::validate;
use crate::storage::place;
use crate::sync::Mutex;
use crate::sync::channel::unbounded;
use crate::sys;
use crate::sys::thread;
use crate::transfer::{self, Session, Shared, Task};

/// Downloads objects. Cheap to clone: all clones are one client. Thread-safe.
///
/// Threads start with the first download. The last clone's drop, or that of the last download, ends them.
///
/// A client belongs to the process that made it: in a forked child every call is `Forked`.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

/// What clones and downloads share.
pub(crate) struct Inner {
    session: Arc<Session>,
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

impl Client {
    /// Checks the options; no thread is started and nothing is sent until the first download.
    pub fn new(options: ClientOptions) -> Result<Client> {
        sys::exit::prepare();
        let session = Arc::new(Session::new(options)?);
        let running = Mutex::new(Running::default());
        Ok(Client { inner: Arc::new(Inner { session, running, process: std::process::id() }) })
    }

    /// Signs with `region` from now on.
    pub fn set_region(&self, region: &str) -> Result<()> {
        self.inner.require_threads()?;
        self.inner.session.set_region(region)
    }

    /// Signs with `credentials` from now on, in running downloads too.
    pub fn set_credentials(&self, credentials: Credentials) -> Result<()> {
        self.inner.require_threads()?;
        if let Credentials::Static(key) = &credentials {
            validate::access_key(key)?;
        }
        self.inner.session.authority.replace(credentials);
        Ok(())
    }

    /// Limits all downloads together to `bytes_per_second` from now on; 0 is no limit.
    pub fn set_bandwidth(&self, bytes_per_second: u64) -> Result<()> {
        self.inner.require_threads()?;
        self.inner.session.bandwidth.set(bytes_per_second);
        Ok(())
    }

    /// Ends running downloads with `ClientError:100002`, their checkpoints kept, and refuses later ones until
    /// [`Client::enable_requests`]. Returns at once.
    pub fn disable_requests(&self) -> Result<()> {
        self.inner.require_threads()?;
        let mut running = self.inner.running.lock();
        running.disabled = true;
        running.downloads.iter().filter_map(Weak::upgrade).for_each(|download| download.disable());
        Ok(())
    }

    /// Lets downloads start again.
    pub fn enable_requests(&self) -> Result<()> {
        self.inner.require_threads()?;
        self.inner.running.lock().disabled = false;
        Ok(())
    }

    /// Downloads, blocking: resumes if it can, proves, renames.
    pub fn download(&self, request: &DownloadRequest) -> Result<Outcome> {
        let ended = self.start(request)?.wait(None);
        ended.unwrap_or_else(|| Err(Error::internal("a wait without a limit came to its limit")))
    }

    /// As [`Client::download`]; `progress` runs on this thread at least every 200 ms and returns `false` to cancel.
    pub fn download_with(
        &self,
        request: &DownloadRequest,
        progress: &mut dyn FnMut(&Status) -> bool,
    ) -> Result<Outcome> {
        let ended = self.start(request)?.wait_with(None, progress);
        ended.unwrap_or_else(|| Err(Error::internal("a wait without a limit came to its limit")))
    }

    /// Checks the request and starts the download.
    pub fn start(&self, request: &DownloadRequest) -> Result<Download> {
        let inner = &self.inner;
        inner.require_threads()?;
        let _hold = sys::exit::hold()?;
        validate::request(request)?;
        inner.session.require_region()?;
        let place = place::resolve(request)?;
        inner.session.authority.refresh_environment()?;

        let (events, inbox) = unbounded();
        let task = Task {
            session: inner.session.clone(),
            request: request.clone(),
            place,
            shared: Arc::new(Shared::new(events, request.max_bandwidth)),
            inbox,
        };
        let shared = inner.run(task)?;
        Ok(Download::new(shared, inner.clone()))
    }

    /// A URL by which anybody can GET the object until `expires` from now; at most seven days for V4 signatures.
    /// `key` signs it. Response-header overrides, version and extra query of the request are part of it.
    pub fn presign(
        &self,
        request: &DownloadRequest,
        key: &AccessKey,
        expires: Duration,
    ) -> Result<String> {
        self.inner.require_threads()?;
        validate::request(request)?;
        validate::access_key(key)?;
        self.inner.session.require_region()?;
        self.inner.session.presign("GET", request, key, expires)
    }

    /// What the checkpoint of `request`'s download says; `None` when there is none to go on from. It may be in use.
    pub fn inspect_checkpoint(&self, request: &DownloadRequest) -> Result<Option<CheckpointInfo>> {
        self.inner.require_threads()?;
        let _hold = sys::exit::hold()?;
        validate::request(request)?;
        let place = place::resolve(request)?;
        JournalPlace::of(request, &place).map_or(Ok(None), |journal| manage::inspect(&journal))
    }

    /// Removes the checkpoint of `request`'s download and the temporary file it belongs to; `false` when there is
    /// none, `Busy` while a download uses it.
    pub fn discard_checkpoint(&self, request: &DownloadRequest) -> Result<bool> {
        self.inner.require_threads()?;
        let _hold = sys::exit::hold()?;
        validate::request(request)?;
        let place = place::resolve(request)?;
        JournalPlace::of(request, &place)
            .map_or(Ok(false), |journal| manage::discard(&journal, &place))
    }

    /// Cancels all downloads, waits for their ends and joins all threads; later downloads are refused. Checkpoints
    /// are kept. Does nothing in a forked child.
    ///
    /// Must not be called from a callback of this client, which it would wait for.
    pub fn shutdown(&self) {
        if self.inner.require_threads().is_err() {
            return;
        }
        for download in self.inner.close() {
            // How it ended is for who holds its handle.
            download.join();
        }
        self.inner.session.shut_down();
    }
}

impl Inner {
    /// Refuses where the client's threads are lost: in a forked child, and when `exit()` could not wait for them.
    pub(crate) fn require_threads(&self) -> Result<()> {
        if self.process != std::process::id() {
            return Err(Error::new(
                ErrorKind::Forked,
                "Forked",
                "this client belongs to the process that made it; make a client after the fork",
            ));
        }
        if sys::exit::has_gone_on() { Err(sys::exit::exiting()) } else { Ok(()) }
    }

    /// Starts a download's driver. Under the lock, so that a client that is being closed finds it or refuses it.
    fn run(&self, task: Task) -> Result<Arc<Shared>> {
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
        shared.driven_by(driver);
        running.downloads.retain(|download| download.strong_count() > 0);
        running.downloads.push(Arc::downgrade(&shared));
        Ok(shared)
    }

    /// Lets no download start any more and cancels those that run.
    fn close(&self) -> Vec<Arc<Shared>> {
        let mut running = self.running.lock();
        running.closed = true;
        let downloads: Vec<_> = running.downloads.iter().filter_map(Weak::upgrade).collect();
        for download in &downloads {
            download.cancel();
        }
        downloads
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Joining threads that are lost would hang for ever.
        if self.require_threads().is_ok() {
            self.session.shut_down();
        } else {
            std::mem::forget(self.session.clone());
        }
    }
}
