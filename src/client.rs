//! The client: endpoint, credentials, connections and the threads that serve its downloads and listings.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::checkpoint::journal::JournalLocation;
use crate::checkpoint::manage::{self, CheckpointInfo};
use crate::client_state::ClientState;
use crate::download::Download;
use crate::listing::Listing;
use crate::model::credentials::{AccessKey, Credentials};
use crate::model::error::{Error, Result};
use crate::model::listing::ListRequest;
use crate::model::options::{ClientOptions, max_connections};
use crate::model::outcome::{Outcome, Status};
use crate::model::request::{DownloadRequest, WhenBusy};
use crate::oss::validate;
use crate::storage::claim::TargetClaim;
use crate::storage::paths::{self, Paths};
use crate::sync::inbox::inbox;
use crate::sys;
use crate::transfer::{Lister, Shared, Task};

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

    /// Sets the largest number of requests in flight, over all downloads of the client, from now on; 0: the default.
    /// If there are more, the client ends the slowest ones at once and continues at their bytes later. If there are
    /// fewer connections than running downloads, the newest of these wait until others have ended. They are not stalled
    /// meanwhile. A request that cannot be continued, because the service sends the object as one stream, is not ended.
    pub fn set_max_connections(&self, connections: u32) -> Result<()> {
        self.state.require_threads()?;
        let connections = max_connections(connections);
        self.state.session.connections.set_limit(connections);
        self.state.scheduler.set_max_connections(connections);
        Ok(())
    }

    /// Ends running and queued downloads with `ClientError:100002`, keeping their checkpoints, and refuses new ones until
    /// [`Client::enable_requests`] is called. Listings end in the same way when they need a page. Returns immediately.
    pub fn disable_requests(&self) -> Result<()> {
        self.state.require_threads()?;
        self.state.session.listings.disable();
        self.state.scheduler.disable();
        Ok(())
    }

    /// Allows downloads and listings again.
    pub fn enable_requests(&self) -> Result<()> {
        self.state.require_threads()?;
        self.state.session.listings.enable();
        self.state.scheduler.enable();
        Ok(())
    }

    /// Pauses all downloads of the client, and those that are started from now on, until [`Client::resume`] is called.
    /// Returns immediately; see [`Download::pause`]. A download runs when neither it nor its client is paused. No queued
    /// download starts meanwhile.
    pub fn pause(&self) -> Result<()> {
        self.state.require_threads()?;
        self.state.scheduler.pause();
        Ok(())
    }

    /// Ends [`Client::pause`]. Downloads that have been paused individually stay paused.
    pub fn resume(&self) -> Result<()> {
        self.state.require_threads()?;
        self.state.scheduler.resume();
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

    /// Validates the request and starts the download, or queues it if the client runs as many as it may
    /// ([`ClientOptions::max_active_downloads`]). A queued download has no thread.
    ///
    /// `Busy` if this process has a download to the same file, running or queued, and for a download that is queued
    /// also if another process works on its files. Otherwise the download itself ends with `Busy` if another process
    /// does when it starts. With [`WhenBusy::Wait`](crate::WhenBusy::Wait) the download waits instead; it is queued while
    /// it waits for one of this process.
    pub fn start(&self, request: &DownloadRequest) -> Result<Download> {
        let started = Instant::now();
        self.state.require_threads()?;
        let _exit_guard = sys::exit::guard()?;
        validate::request(request)?;
        if request.url.is_none() {
            self.state.session.require_service()?;
        }
        let paths = paths::resolve(request)?;
        self.start_at(request, paths, started)
    }

    /// As [`Client::start`], for a request that has been validated and whose paths are known.
    pub(crate) fn start_at(
        &self,
        request: &DownloadRequest,
        paths: Paths,
        started: Instant,
    ) -> Result<Download> {
        let state = &self.state;
        state.require_threads()?;
        let _exit_guard = sys::exit::guard()?;
        if request.url.is_none() {
            state.session.credentials.refresh_environment()?;
        }

        let (events, inbox) = inbox();
        let shared = Arc::new(Shared::new(events, request.max_bandwidth, started));
        let claim = match request.when_busy {
            WhenBusy::Fail => TargetClaim::new(&paths)?,
            WhenBusy::Wait => {
                let waits = Arc::downgrade(&shared);
                let when_held = move || {
                    if let Some(shared) = waits.upgrade() {
                        shared.file_is_free();
                    }
                };
                TargetClaim::in_line(&paths, when_held)?
            }
        };
        if let Some(queue) = &request.events {
            shared.report_to(queue, request.tag)?;
        }
        let probed = paths.clone();
        let task = Task {
            session: state.session.clone(),
            request: request.clone(),
            paths,
            shared: shared.clone(),
            inbox,
            claim,
        };
        let waits = state.scheduler.start(task)?;
        if let Some(ticket) = waits
            && request.when_busy == WhenBusy::Fail
            && let Some(path) = manage::used_file(request, &probed)
            && state.scheduler.withdraw(ticket)
        {
            return Err(Error::busy(&path));
        }
        if waits.is_some() && shared.is_to_pause() {
            shared.report_pause();
        }
        Ok(Download::new(shared, state.clone()))
    }

    pub(crate) fn state(&self) -> &Arc<ClientState> {
        &self.state
    }

    pub(crate) fn options(&self) -> &ClientOptions {
        &self.state.session.options
    }

    /// Fails if requests cannot be signed because the region is not known.
    pub(crate) fn require_service(&self) -> Result<()> {
        self.state.session.require_service()
    }

    /// Starts to list the objects of a bucket. Validates the request; sends nothing until the first entry is asked for.
    /// Requires the permission `oss:ListObjects`.
    pub fn list_objects(&self, request: &ListRequest) -> Result<Listing> {
        let started = Instant::now();
        let session = &self.state.session;
        self.state.require_threads()?;
        validate::list_request(request)?;
        session.require_service()?;
        session.listings.require_open()?;
        session.credentials.refresh_environment()?;
        let lister = Lister::new(session.clone(), request.clone(), started);
        Ok(Listing::new(lister, self.state.clone()))
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
        if request.url.is_some() {
            return Err(Error::validation("a URL cannot be presigned: set bucket and key"));
        }
        validate::request(request)?;
        validate::access_key(key)?;
        self.state.session.require_service()?;
        self.state.session.presign("GET", request, key, expires)
    }

    /// Reads the checkpoint of the download that `request` describes; `None` if there is none to resume from. A running
    /// download may be using it.
    pub fn inspect_checkpoint(&self, request: &DownloadRequest) -> Result<Option<CheckpointInfo>> {
        self.state.require_threads()?;
        let _exit_guard = sys::exit::guard()?;
        validate::request(request)?;
        let paths = paths::resolve(request)?;
        JournalLocation::of(request, &paths)
            .map_or(Ok(None), |journal| manage::inspect(&journal, request))
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

    /// Cancels all downloads and listings, waits until they have ended and joins all threads. Checkpoints are kept. Later
    /// ones are refused. Does nothing in a forked child.
    ///
    /// Must not be called from a callback of this client: it would wait for that callback.
    pub fn shutdown(&self) {
        if self.state.require_threads().is_err() {
            return;
        }
        self.state.shut_down();
    }
}
