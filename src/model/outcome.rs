//! What a download came to, and what can be seen while it runs.

use std::path::PathBuf;
use std::time::Duration;

/// What was shown about the file before success was reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The file's bytes have the CRC-64 the service stores for the object.
    ObjectCrc,
    /// The file's bytes are those the network delivered for one generation of the object; the service sent
    /// no CRC-64, or only a range was downloaded.
    Generation,
    /// As `Generation`, with a CRC-64 from the service that was not compared because the client says so.
    NotCompared,
}

/// Figures of one download.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Body bytes received from the network.
    pub bytes_from_network: u64,
    /// Bytes of an earlier run that were proven and kept; back to 0 when the object turns out to have changed.
    pub bytes_reused: u64,
    /// Bytes received or recorded that had to be thrown away and fetched again.
    pub bytes_discarded: u64,
    /// HTTP requests sent.
    pub requests: u64,
    /// Connections opened.
    pub connections: u64,
    /// Repeated requests because a connection could not be made.
    pub retries_connect: u64,
    /// … because a connection broke or a body was short.
    pub retries_broken: u64,
    /// … because no byte came in time.
    pub retries_timeout: u64,
    /// … because the service answered 5xx or 429.
    pub retries_service: u64,
    /// … because credentials had expired or the clock was wrong.
    pub retries_auth: u64,
    /// … because the object had changed or a reply was unusable.
    pub retries_reply: u64,
    /// Time that the service asked this download to wait or, by `x-oss-qos-delay-time`, held its replies back, in
    /// milliseconds, added up over all connections.
    pub throttled_ms: u64,
    /// From start to end.
    pub elapsed: Duration,
}

/// Success: the file is whole and in its place.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// Where the file is (absolute).
    pub file_path: PathBuf,
    /// Bytes in the file.
    pub file_size: u64,
    /// Bytes of the whole object.
    pub object_size: u64,
    /// ETag without quotes.
    pub etag: Option<String>,
    /// Version of the object.
    pub version_id: Option<String>,
    /// CRC-64/XZ of the file's bytes.
    pub crc64: u64,
    /// The whole object's CRC-64 as the service sent it.
    pub object_crc64: Option<u64>,
    /// `Last-Modified`, as sent.
    pub last_modified: Option<String>,
    /// Id of the first answered request.
    pub request_id: Option<String>,
    /// Headers of the first good reply, in the service's order and spelling.
    pub headers: Vec<(String, String)>,
    /// What was shown about the file.
    pub proof: Proof,
    /// The figures.
    pub statistics: Statistics,
}

/// Where a running download is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Validating, locking, waiting for the first reply.
    Starting,
    /// Fetching bytes (and proving those of an earlier run).
    Transferring,
    /// Comparing checksums, flushing, renaming.
    Finishing,
    /// Ended well.
    Succeeded,
    /// Ended with an error.
    Failed,
}

/// A snapshot of a running or ended download.
#[derive(Clone, Debug)]
pub struct Status {
    /// Where it is.
    pub phase: Phase,
    /// Bytes of the file that are on disk; may go down when bytes turn out to be wrong.
    pub bytes_done: u64,
    /// Bytes of the file; `None` until the first reply.
    pub bytes_total: Option<u64>,
    /// Open transfers.
    pub active_connections: u32,
    /// The figures so far.
    pub statistics: Statistics,
}
