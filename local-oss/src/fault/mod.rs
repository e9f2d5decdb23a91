//! Faults and when they apply.

mod load;
mod matcher;
mod plan;
mod table;
mod text;

use std::time::Duration;

use crate::net::Link;
use crate::object::Object;

pub use matcher::Matcher;
pub(crate) use matcher::RequestFacts;
pub(crate) use plan::{Instead, Plan, Replacement};
pub use table::RuleId;
pub(crate) use table::{AppliedFaults, FaultTable};
pub use text::{FAULT_HELP, parse_fault};

/// A fault of one reply. Faults that match the same request combine.
///
/// Sizes count bytes of the body as sent over the network; "after N" has no effect on a reply of at most N
/// bytes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// The connection is closed in place of a reply.
    CloseBeforeHeaders,
    /// The connection is reset (RST) in place of a reply.
    ResetBeforeHeaders,
    /// Nothing is sent until the client gives up.
    NoReply,
    /// The reply is not HTTP.
    NotHttp,
    /// The status line is this text, such as `HTTP/1.1 2000 OK`; the rest of the reply is unchanged.
    StatusLine(String),

    /// An OSS error.
    Status {
        /// HTTP status.
        status: u16,
        /// OSS `Code`.
        code: String,
        /// Sent as `Retry-After`, in whole seconds.
        retry_after: Option<Duration>,
    },
    /// An error page like that of a proxy: HTML, without OSS headers.
    Html(u16),
    /// 307 to this URL.
    Redirect(String),
    /// 403 `SecurityTokenExpired`.
    ExpiredToken,
    /// The server's clock is ahead by this many seconds: `RequestTimeTooSkewed` if signatures are verified.
    SkewedClock(i64),
    /// 200 and the whole object in reply to a range.
    IgnoreRange,
    /// 206 and as many bytes as requested, this far before them (or after, if there is nothing before), with
    /// their correct `Content-Range`: like a cache that sends the reply to another request. Does not apply to
    /// ranges that have neither.
    OtherBytes(u64),

    /// Before the reply, the object is replaced by another of the same size.
    NewGeneration,
    /// Before the reply, this many bytes are appended to the object; see [`Server::append`](crate::Server::append).
    Grow(u64),
    /// Before the reply, the object is replaced by this one.
    ReplaceObject(Box<Object>),

    /// A header (not a framing one) has another value or is missing.
    Header {
        /// Name.
        name: String,
        /// `None` removes it.
        value: Option<String>,
    },
    /// `Content-Range` is one byte further than the bytes sent.
    WrongContentRange,
    /// The numbers of `Content-Range` are wrong by these amounts.
    ContentRangeOff {
        /// Of the first byte.
        first: i64,
        /// Of the last byte.
        last: i64,
        /// Of the object's size.
        total: i64,
    },
    /// `Content-Range` without the object's size: `bytes 0-9/*`.
    UnknownTotal,
    /// `Content-Length` is wrong by this many bytes; the body is not.
    ContentLengthOff(i64),
    /// `x-oss-hash-crc64ecma` is wrong.
    WrongCrc,
    /// No `x-oss-hash-crc64ecma`.
    NoCrc,
    /// `ETag` is wrong.
    WrongEtag,
    /// No `ETag`.
    NoEtag,
    /// `ETag` ends in this text, and the service does not recognise it in `If-Match` (412): as if a proxy
    /// compressed replies and appended `-gzip`.
    EtagSuffix(String),
    /// `ETag` is weak (`W/"…"`), so no `If-Match` except `*` holds.
    WeakEtag,
    /// No header whose name begins with `x-oss-`.
    NoOssHeaders,

    /// The byte at this offset of the object is sent wrong. Counts only requests for that byte.
    FlipByte(u64),
    /// The body has the right length and only wrong bytes.
    GarbageBody,
    /// The reply has status 200 and this body, whatever was asked for, with the service's headers.
    Body(Vec<u8>),
    /// This many bytes precede the body and displace its end.
    GarbageBeforeBody(u64),
    /// The connection closes this many bytes before the body's end.
    ShortBody(u64),
    /// This many bytes follow the body.
    LongBody(u64),
    /// The reply is followed by another one with the same head and only wrong bytes, on an open connection.
    UnaskedReply,
    /// The connection is reset (RST) after this many bytes, once the client's host has received them.
    ResetAfter(u64),
    /// As `ResetAfter`, but counting all bodies on the connection.
    ResetConnectionAfter(u64),
    /// The connection is closed (FIN) after this many bytes.
    CloseAfter(u64),
    /// As `CloseAfter`, over TLS without close_notify.
    CutOffAfter(u64),
    /// After this many bytes nothing more is sent; the connection stays open.
    StallAfter(u64),
    /// After this many bytes the server's direction is shut down; the client's stays open.
    HalfCloseAfter(u64),

    /// No `Content-Length`: the body ends with the connection.
    NoContentLength,
    /// `Transfer-Encoding: chunked`, no `Content-Length`.
    Chunked,
    /// `Content-Encoding: gzip`, and the body is gzip; chunked.
    Gzip,
    /// `Connection: close`, and the connection closes after the reply.
    CloseConnection,

    /// A successful reply is delayed by this time, reported in `x-oss-qos-delay-time` in milliseconds.
    QosDelay(Duration),
    /// A pause between the status line and the rest of the head.
    SlowHeaders(Duration),
    /// The head is sent byte by byte, with this pause before each.
    DribbleHeaders(Duration),
    /// The head never ends: a line is sent at this interval.
    EndlessHeaders(Duration),
    /// The body is sent byte by byte, with this pause before each.
    Dribble(Duration),
    /// Bytes per second of the connection.
    RateLimit(u64),
    /// All connections to which this applies send over one link.
    CommonLink(Link),
    /// Time between a request and the first byte of its reply. With a [`Matcher`] for whole connections, also
    /// the time to open a connection, twice for TLS.
    RoundTrip(Duration),
}
