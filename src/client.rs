//! The client: endpoint, credentials, connections and the threads that serve its downloads.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::checkpoint::journal::JournalLocation;
use crate::checkpoint::manage::{self, CheckpointInfo};
use crate::client_state::ClientState;
use crate::download::Download;
use crate::model::credentials::{AccessKey, Credentials};
use crate::model::error::{Error, Result};
use crate::model::options::ClientOptions;
use crate::model::outcome::{Outcome, Status};
use crate::model::request::DownloadRequest;
use crate::oss::validate;
use crate::storage::paths;
use crate::sync::channel::unbounded;
use crate::sys;
use crate::transfer::{Shared, Task};

/// A client of the service, which downloads objects. Thread-safe, and cheap to clone: all clones share one client.
///
/// Its threads start with the first download. They end when the last clone and the last download have been dropped.
///
/// A client belongs to the process that created it: in a forked child every call returns `Forked`.
#[derive(Clone)]
pub struct Client {
    state: Arc<ClientState>,
}

impl Client {
    /// Validates the options. No thread is started and nothing is sent until the first download.
    pub fn new(options: ClientOptions) -> Result<Client> {
        sys::exit::prepare();
        Ok(Client { state: Arc::new(ClientState::new(options)?) })
    }

    /// Replaces the region for requests signed from now on.
    pub fn set_region(&self, region: &str) -> Result<()> {
        self.state.require_threads()?;
        self.state.session.set_region(region)
    }

    /// Replaces the credentials for requests signed from now on, including those of running downloads.
    pub fn set_credentials(&self, credentials: Credentials) -> Result<()> {
        self.state.require_threads()?;
        if let Credentials::Static(key) = &credentials {
            validate::access_key(key)?;
        }
        self.state.session.credentials.replace(credentials);
        Ok(())
    }

    /// Sets the bandwidth limit in bytes per second, over all downloads of the client, from now on; 0: no limit.
    pub fn set_bandwidth(&self, bytes_per_second: u64) -> Result<()> {
        self.state.require_threads()?;
        self.state.session.bandwidth.set(bytes_per_second);
        Ok(())
    }

    /// Ends running downloads with `ClientError:100002`, keeping their checkpoints, and refuses new ones until
    /// [`Client::enable_requests`] is called. Returns immediately.
    pub fn disable_requests(&self) -> Result<()> {
        self.state.require_threads()?;
        self.state.disable();
        Ok(())
    }

    /// Allows downloads again.
    pub fn enable_requests(&self) -> Result<()> {
        self.state.require_threads()?;
        self.state.enable();
        Ok(())
    }

    /// Downloads an object and blocks until the end: resumes an earlier run if possible, verifies the file and renames
    /// it to its target.
    pub fn download(&self, request: &DownloadRequest) -> Result<Outcome> {
        let ended = self.start(request)?.wait(None);
        ended.unwrap_or_else(|| Err(Error::internal("a wait without a limit timed out")))
    }

    /// As [`Client::download`]; `progress` runs on this thread at least every 200 ms and returns `false` to cancel.
    pub fn download_with(
        &self,
        request: &DownloadRequest,
        progress: &mut dyn FnMut(&Status) -> bool,
    ) -> Result<Outcome> {
        let ended = self.start(request)?.wait_with(None, progress);
        ended.unwrap_or_else(|| Err(Error::internal("a wait without a limit timed out")))
    }

    /// Validates the request and starts the download.
    pub fn start(&self, request: &DownloadRequest) -> Result<Download> {
        let state = &self.state;
        state.require_threads()?;
        let _exit_guard = sys::exit::guard()?;
        validate::request(request)?;
        state.session.require_region()?;
        let paths = paths::resolve(request)?;
        state.session.credentials.refresh_environment()?;

        let (events, inbox) = unbounded();
        let task = Task {
            session: state.session.clone(),
            request: request.clone(),
            paths,
            shared: Arc::new(Shared::new(events, request.max_bandwidth, Instant::now())),
            inbox,
        };
        let shared = state.run(task)?;
        Ok(Download::new(shared, state.clone()))
    }

    /// Returns a URL with which anybody can GET the object for the duration `expires` from now, at most seven days with
    /// V4 signatures. It is signed with `key` and includes the response-header overrides, the version and the extra
    /// query parameters of the request.
    pub fn presign(
        &self,
        request: &DownloadRequest,
        key: &AccessKey,
        expires: Duration,
    ) -> Result<String> {
        self.state.require_threads()?;
        validate::request(request)?;
        validate::access_key(key)?;
        self.state.session.require_region()?;
        self.state.session.presign("GET", request, key, expires)
    }

    /// Reads the checkpoint of the download that `request` describes; `None` if there is none to resume from. A running
    /// download may be using it.
    pub fn inspect_checkpoint(&self, request: &DownloadRequest) -> Result<Option<CheckpointInfo>> {
        self.state.require_threads()?;
        let _exit_guard = sys::exit::guard()?;
        validate::request(request)?;
        let paths = paths::resolve(request)?;
        JournalLocation::of(request, &paths).map_or(Ok(None), |journal| manage::inspect(&journal))
    }

    /// Removes the checkpoint of the download that `request` describes, and its temporary file. Returns `false` if
    /// there is none, and `Busy` while a download is using it.
    pub fn discard_checkpoint(&self, request: &DownloadRequest) -> Result<bool> {
        self.state.require_threads()?;
        let _exit_guard = sys::exit::guard()?;
        validate::request(request)?;
        let paths = paths::resolve(request)?;
        JournalLocation::of(request, &paths)
            .map_or(Ok(false), |journal| manage::discard(&journal, &paths))
    }

    /// Cancels all downloads, waits until they have ended and joins all threads. Checkpoints are kept. Later downloads
    /// are refused. Does nothing in a forked child.
    ///
    /// Must not be called from a callback of this client: it would wait for that callback.
    pub fn shutdown(&self) {
        if self.state.require_threads().is_err() {
            return;
        }
        for download in self.state.close() {
            // Its result is reported through its handle.
            download.join();
        }
        self.state.session.shut_down();
    }
}
