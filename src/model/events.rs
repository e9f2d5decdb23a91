//! Events of downloads, and how a download reports them to the queue that its request names.

use std::fmt;
use std::sync::{Arc, Weak};

use super::error::{ErrorKind, Result};
use super::outcome::Status;
use super::prefix::PrefixStatus;

/// Something that happened to a download or a prefix download, as reported by an [`EventQueue`](crate::EventQueue).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DownloadEvent {
    /// [`DownloadRequest::tag`](crate::DownloadRequest::tag) or [`PrefixRequest::tag`](crate::PrefixRequest::tag).
    pub tag: u64,
    /// What happened.
    pub kind: EventKind,
    /// The status of the download when the event is read; with [`EventKind::Ended`], the final one.
    ///
    /// Of a prefix download it is put together from those of its objects:
    ///
    /// - The phase is `Starting` while the objects are listed, then `Transferring` until the end, or `Paused` when a pause
    ///   by its handle is complete.
    /// - `bytes_done` is that of [`PrefixStatus::counts`], and `bytes_total` is `bytes_listed` as soon as the listing is
    ///   complete, before that `None`. The two differ at the end if objects have failed or were replaced after they were
    ///   listed.
    /// - Connections, the rate and the figures of `statistics` are sums over all objects; `elapsed` is the time since the
    ///   call that started it.
    /// - It has no place in the queue, no contiguous bytes and no temporary file.
    pub status: Status,
    /// Of a prefix download, its own status at the same moment.
    pub prefix: Option<PrefixStatus>,
}

/// The kinds of events. A program ignores those that it does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// The download has begun to work.
    Started,
    /// Its status has changed. Changes are merged: at most ten of these a second for each download.
    Progress,
    /// It has been paused: its connections are closed and what they brought is recorded. Pauses that follow one another
    /// before the event is read are merged.
    Paused,
    /// It has ended, with success or with an error of this kind. The last event of each download. A prefix download of
    /// which only objects have failed has succeeded; [`DownloadEvent::prefix`] has their number.
    Ended(std::result::Result<(), ErrorKind>),
}

/// What the queue sees of a download at one moment.
#[derive(Clone, Debug)]
pub struct Observation {
    pub status: Status,
    /// Of a prefix download.
    pub prefix: Option<PrefixStatus>,
}

impl From<Status> for Observation {
    fn from(status: Status) -> Self {
        Observation { status, prefix: None }
    }
}

/// A running download, as the queue of its events sees it.
pub trait Observed: Send + Sync {
    /// Returns the current status. Does not wait.
    fn observe(&self) -> Observation;
}

/// Takes the events of downloads. No call waits.
pub trait EventSink: Send + Sync {
    /// Prepares for the events of a download that is about to start, and returns its number. Fails if no events can be
    /// taken.
    fn admit(&self, tag: u64, download: Weak<dyn Observed>) -> Result<u64>;

    /// The download has begun to work.
    fn started(&self, id: u64);

    /// A pause of the download is complete.
    fn paused(&self, id: u64);

    /// The download has ended with this status.
    fn ended(&self, id: u64, last: Observation, result: std::result::Result<(), ErrorKind>);

    /// The download did not start.
    fn withdraw(&self, id: u64);
}

/// The event queue of a request.
#[derive(Clone)]
pub struct Subscription {
    sink: Arc<dyn EventSink>,
}

impl Subscription {
    pub fn new(sink: Arc<dyn EventSink>) -> Self {
        Subscription { sink }
    }

    /// Prepares the queue for the events of `download`, which is about to start. They carry `tag`.
    pub fn open(&self, tag: u64, download: Weak<dyn Observed>) -> Result<Reporter> {
        let id = self.sink.admit(tag, download)?;
        Ok(Reporter { sink: self.sink.clone(), id, has_ended: false })
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").finish_non_exhaustive()
    }
}

/// Reports the events of one download. If it is dropped before the end, the download did not start.
pub struct Reporter {
    sink: Arc<dyn EventSink>,
    id: u64,
    has_ended: bool,
}

impl Reporter {
    pub fn started(&self) {
        self.sink.started(self.id);
    }

    pub fn paused(&self) {
        self.sink.paused(self.id);
    }

    pub fn ended(mut self, last: Observation, result: std::result::Result<(), ErrorKind>) {
        self.has_ended = true;
        self.sink.ended(self.id, last, result);
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        if !self.has_ended {
            self.sink.withdraw(self.id);
        }
    }
}
