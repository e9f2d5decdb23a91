//! Traces of requests.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

/// One HTTP request that has ended, passed to [`ClientOptions::trace`](crate::ClientOptions::trace). The requests of
/// one `slot` follow each other in time, so that the slots of a download are the lines of a timeline of its connections.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RequestTrace {
    /// [`DownloadRequest::tag`](crate::DownloadRequest::tag) of the download.
    pub tag: u64,
    /// The connection of the download that the request had: 0 … `thread_num` − 1.
    pub slot: u32,
    /// HEAD instead of GET.
    pub is_head: bool,
    /// First byte of the object that was asked for.
    pub range_start: u64,
    /// Last byte that was asked for; `None` if the request had no range or one without an end.
    pub range_end: Option<u64>,
    /// When the request was handed to a transfer thread.
    pub started: Instant,
    /// When its new connection was ready, the TLS handshake included; `None` if it had an open one or got none.
    pub connected: Option<Instant>,
    /// When the first byte of the reply arrived; `None` without a reply.
    pub first_byte: Option<Instant>,
    /// When the download noticed the end: what was received is stored.
    pub ended: Instant,
    /// Bytes of the object that were received, without those that another connection has taken over.
    pub bytes: u64,
    /// HTTP status of the reply; 0 without one.
    pub status: u16,
    /// Address and port to which the connection was made, the proxy's if there is one; `None` without a connection.
    pub peer: Option<SocketAddr>,
    /// Port of this machine from which the connection was made, 0 without one. Together with `peer` it tells which
    /// requests had the same connection.
    pub local_port: u16,
    /// The connection had been opened for an earlier request, of this or another download of the client.
    pub is_reused: bool,
    /// Why the request ended.
    pub end: RequestEnd,
    /// With [`RequestEnd::Broken`]: libcurl's `CURLcode`; otherwise 0.
    pub curl_code: u32,
    /// `x-oss-request-id` of the reply.
    pub request_id: Option<String>,
}

/// Why a request ended. A program accepts those that it does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestEnd {
    /// It has brought everything that was asked for.
    Complete,
    /// It has brought everything up to the byte from which an idle connection has taken over.
    Shared,
    /// It was stopped because it was much slower than the others; another request continues at its byte.
    Slow,
    /// It was stopped because the download was paused.
    Paused,
    /// It was stopped because its connection was needed for another download of the client.
    Yielded,
    /// It was stopped because nobody needs it any more: the download has ended or starts over, or the bytes were there.
    Stopped,
    /// The service answered with a status that brings no bytes of the object.
    Refused,
    /// The reply was not the one that was asked for, or unreadable.
    Unusable,
    /// No connection could be made, it broke, or the body was short.
    Broken,
    /// Nothing arrived for `idle_timeout`.
    Stalled,
    /// Something failed on this machine, such as a write to the file.
    Failed,
}

/// Receives a trace for each request that was started, when it has ended and before the download ends. Called on threads
/// of the client, possibly on several at once, for one download one after another. It must not block for long: the
/// download waits for it.
pub type TraceSink = Arc<dyn Fn(RequestTrace) + Send + Sync>;
