//! A client: endpoint, credentials, connections and the threads that serve its downloads.

use std::sync::Arc;
use std::time::Duration;

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

/// Downloads objects. Cheap to clone: all clones are one client. Thread-safe.
///
/// Threads start with the first download. The last clone's drop, or that of the last download, ends them.
///
/// A client belongs to the process that made it: in a forked child every call is `Forked`.
#[derive(Clone)]
pub struct Client {
    state: Arc<ClientState>,
}

impl Client {
    /// Checks the options; no thread is started and nothing is sent until the first download.
    pub fn new(options: ClientOptions) -> Result<Client> {
        sys::exit::prepare();
        Ok(Client { state: Arc::new(ClientState::new(options)?) })
    }

    /// Signs with `region` from now on.
    pub fn set_region(&self, region: &str) -> Result<()> {
        self.state.require_threads()?;
        self.state.session.set_region(region)
    }

    /// Signs with `credentials` from now on, in running downloads too.
    pub fn set_credentials(&self, credentials: Credentials) -> Result<()> {
        self.state.require_threads()?;
        if let Credentials::Static(key) = &credentials {
            validate::access_key(key)?;
        }
        self.state.session.credentials.replace(credentials);
        Ok(())
    }

    /// Limits all downloads together to `bytes_per_second` from now on; 0 is no limit.
    pub fn set_bandwidth(&self, bytes_per_second: u64) -> Result<()> {
        self.state.require_threads()?;
        self.state.session.bandwidth.set(bytes_per_second);
        Ok(())
    }

    /// Ends running downloads with `ClientError:100002`, their checkpoints kept, and refuses later ones until
    /// [`Client::enable_requests`]. Returns at once.
    pub fn disable_requests(&self) -> Result<()> {
        self.state.require_threads()?;
        self.state.disable();
        Ok(())
    }

    /// Lets downloads start again.
    pub fn enable_requests(&self) -> Result<()> {
        self.state.require_threads()?;
        self.state.enable();
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
            shared: Arc::new(Shared::new(events, request.max_bandwidth)),
            inbox,
        };
        let shared = state.run(task)?;
        Ok(Download::new(shared, state.clone()))
    }

    /// A URL by which anybody can GET the object until `expires` from now; at most seven days for V4 signatures.
    /// `key` signs it. Response-header overrides, version and extra query of the request are part of it.
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

    /// What the checkpoint of `request`'s download says; `None` when there is none to go on from. It may be in use.
    pub fn inspect_checkpoint(&self, request: &DownloadRequest) -> Result<Option<CheckpointInfo>> {
        self.state.require_threads()?;
        let _exit_guard = sys::exit::guard()?;
        validate::request(request)?;
        let paths = paths::resolve(request)?;
        JournalLocation::of(request, &paths).map_or(Ok(None), |journal| manage::inspect(&journal))
    }

    /// Removes the checkpoint of `request`'s download and the temporary file it belongs to; `false` when there is
    /// none, `Busy` while a download uses it.
    pub fn discard_checkpoint(&self, request: &DownloadRequest) -> Result<bool> {
        self.state.require_threads()?;
        let _exit_guard = sys::exit::guard()?;
        validate::request(request)?;
        let paths = paths::resolve(request)?;
        JournalLocation::of(request, &paths)
            .map_or(Ok(false), |journal| manage::discard(&journal, &paths))
    }

    /// Cancels all downloads, waits for their ends and joins all threads; later downloads are refused. Checkpoints
    /// are kept. Does nothing in a forked child.
    ///
    /// Must not be called from a callback of this client, which it would wait for.
    pub fn shutdown(&self) {
        if self.state.require_threads().is_err() {
            return;
        }
        for download in self.state.close() {
            // How it ended is for who holds its handle.
            download.join();
        }
        self.state.session.shut_down();
    }
}
