//! The result of a download, and its status while it runs.

mod json;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::extent::Extent;
use super::temp_path::TempPath;

/// How the file was verified before success was reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The file's bytes have the CRC-64 that the service stores for the object.
    ObjectCrc,
    /// The file's bytes are those received from the network, all of one generation of the object. They were not
    /// compared with a CRC-64 of the service, because it sent none, only a range was downloaded, or the object was
    /// processed.
    ///
    /// Of a processed object (`x-oss-process` in the query) it means that the file's bytes are the complete body of
    /// one reply: as many as its `Content-Length` says, or all up to its last chunk. If the service sends a CRC-64
    /// with it, that is the one of the object as it is stored.
    Generation,
    /// As `Generation`; the service's CRC-64 was not compared because `verify_crc` is off.
    NotCompared,
    /// The file has the digest that the request expects, each one if there are several. This is the strongest proof: it
    /// covers the way from whoever computed the digest to this file, the service included. It is the proof also if the
    /// object's CRC-64 was compared, too.
    ExpectedDigest,
}

/// The statistics of one download.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Body bytes received from the network.
    pub bytes_from_network: u64,
    /// Bytes of an earlier run that were verified and kept; reset to 0 when the object turns out to have changed. All
    /// bytes of the file if the existing one turned out to be right ([`Overwrite::IfDifferent`]).
    ///
    /// [`Overwrite::IfDifferent`]: crate::Overwrite::IfDifferent
    pub bytes_reused: u64,
    /// Bytes, received or recorded, that were discarded and fetched again.
    pub bytes_discarded: u64,
    /// HTTP requests sent.
    pub requests: u64,
    /// Connections opened.
    pub connections: u64,
    /// Requests repeated because a connection could not be established.
    pub retries_connect: u64,
    /// Requests repeated because a connection broke or a body was incomplete.
    pub retries_broken: u64,
    /// Requests repeated because no byte arrived in time.
    pub retries_timeout: u64,
    /// Requests repeated because the service answered 5xx or 429.
    pub retries_service: u64,
    /// Requests repeated because credentials had expired or the clock was wrong.
    pub retries_auth: u64,
    /// Requests repeated because the object had changed or a reply was unusable.
    pub retries_reply: u64,
    /// Time for which the service asked this download to wait or delayed its replies (`x-oss-qos-delay-time`), in
    /// milliseconds, summed over all connections.
    pub throttled_ms: u64,
    /// Time from the call that started the download to its end, including the time in the queue.
    pub elapsed: Duration,
}

impl Statistics {
    /// Adds the figures of another download, except the time.
    pub(crate) fn add(&mut self, other: &Statistics) {
        // Without `..`: a new figure must not be forgotten here.
        let Statistics {
            bytes_from_network,
            bytes_reused,
            bytes_discarded,
            requests,
            connections,
            retries_connect,
            retries_broken,
            retries_timeout,
            retries_service,
            retries_auth,
            retries_reply,
            throttled_ms,
            elapsed: _,
        } = other;
        for (sum, figure) in [
            (&mut self.bytes_from_network, bytes_from_network),
            (&mut self.bytes_reused, bytes_reused),
            (&mut self.bytes_discarded, bytes_discarded),
            (&mut self.requests, requests),
            (&mut self.connections, connections),
            (&mut self.retries_connect, retries_connect),
            (&mut self.retries_broken, retries_broken),
            (&mut self.retries_timeout, retries_timeout),
            (&mut self.retries_service, retries_service),
            (&mut self.retries_auth, retries_auth),
            (&mut self.retries_reply, retries_reply),
            (&mut self.throttled_ms, throttled_ms),
        ] {
            *sum = sum.saturating_add(*figure);
        }
    }
}

/// The result of a successful download: the file is complete, verified and at its path.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// Absolute path of the file.
    pub file_path: PathBuf,
    /// Size of the file in bytes.
    pub file_size: u64,
    /// Size of the whole object in bytes; of a processed object, the file's size.
    pub object_size: u64,
    /// ETag without quotes; a weak one as sent, `W/"…"`.
    pub etag: Option<String>,
    /// Version id of the object.
    pub version_id: Option<String>,
    /// CRC-64/XZ of the bytes that were downloaded, as the service has them: the file's, unless they were decrypted.
    pub crc64: u64,
    /// The whole object's CRC-64 as sent by the service; `None` for a processed object.
    pub object_crc64: Option<u64>,
    /// `Last-Modified`, as sent.
    pub last_modified: Option<String>,
    /// Id of the first successful request.
    pub request_id: Option<String>,
    /// Headers of the first successful reply, in the service's order and spelling.
    pub headers: Vec<(String, String)>,
    /// How the file was verified.
    pub proof: Proof,
    /// The statistics of the download.
    pub statistics: Statistics,
    /// What the file consists of, if the request wants to know.
    pub(crate) content: Option<FileContent>,
}

/// What a file consists of.
#[derive(Clone, Debug)]
pub(crate) struct FileContent {
    /// The whole file, in order.
    pub extents: Arc<[Extent]>,
    /// The checksums are those of the bytes before they were decrypted.
    pub is_decrypted: bool,
    /// The file was there before, and was compared with the object.
    pub was_there: bool,
}

/// The phase of a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Waiting until its client lets it start, see
    /// [`ClientOptions::max_active_downloads`](crate::ClientOptions::max_active_downloads), or until another run has
    /// ended, see [`WhenBusy::Wait`](crate::WhenBusy::Wait).
    Queued,
    /// Validating, locking, waiting for the first reply.
    Starting,
    /// Fetching bytes and verifying those of an earlier run, or those of an existing file
    /// ([`Overwrite::IfDifferent`](crate::Overwrite::IfDifferent)).
    Transferring,
    /// Comparing checksums, flushing, renaming.
    Finishing,
    /// Ended successfully.
    Succeeded,
    /// Ended with an error.
    Failed,
    /// Paused: no connection is open and nothing is read or written, until the download is resumed or cancelled.
    Paused,
}

/// The status of a running or ended download at one moment.
#[derive(Clone, Debug)]
pub struct Status {
    /// The current phase.
    pub phase: Phase,
    /// Bytes of the file received so far, including those of an earlier run. Decreases when bytes turn out to be wrong.
    pub bytes_done: u64,
    /// Size of the finished file in bytes; `None` until the first reply, and until the end if a processed object
    /// (`x-oss-process`) comes without its length.
    pub bytes_total: Option<u64>,
    /// Connections that are transferring now.
    pub active_connections: u32,
    /// Body bytes per second received from the network over about the last two seconds; 0 after the end.
    pub bytes_per_second: u64,
    /// Time until the last byte arrives if the rate stays as it is; `None` while the total is unknown or nothing
    /// arrives, and after a failure.
    pub eta: Option<Duration>,
    /// Place in the queue of the client, 1 for the download that starts next; `None` if it is not queued.
    pub queue_position: Option<usize>,
    /// The statistics so far.
    pub statistics: Statistics,
    /// Number of bytes from the start of the file that are in the temporary file, so that a program can read them while
    /// the download runs: written by this run, or by an earlier one and verified. It grows at least once a second while
    /// the first missing bytes arrive; with [`Order::Sequential`](crate::Order::Sequential) these are fetched first.
    ///
    /// The bytes are those that the service sent, but nothing has compared them with the object's CRC-64 yet: only
    /// success proves them. Where the service cannot tell one state of the object from another, because the object may
    /// grow or the service refuses its own ETag, they may even be of two. The number decreases if bytes turn out to be
    /// useless, and each time `contiguous_resets` increases. It stays as it is after the end.
    pub contiguous_bytes: u64,
    /// Number of times that `contiguous_bytes` has decreased: the object had changed, a stream broke that cannot be
    /// resumed, or a checksum was wrong. What was read before must be read again. Bytes that were read between two
    /// statuses with the same number are those to which the first one refers.
    pub contiguous_resets: u64,
    /// Path of the temporary file; `None` until there is one, and after success, when it is at
    /// [`Outcome::file_path`] and a file opened before is that one. After a failure without a checkpoint it has been
    /// removed. Do not write to the file and do not lock it.
    pub temp_path: Option<TempPath>,
}
