//! What can go wrong, and when.

mod load;
mod matcher;
mod plan;
mod table;
mod text;

use std::time::Duration;

use crate::object::Object;

pub use matcher::Matcher;
pub(crate) use matcher::RequestFacts;
pub(crate) use plan::{Instead, Plan, Replacement};
pub use table::RuleId;
pub(crate) use table::{FaultTable, Verdict};
pub use text::{FAULT_HELP, parse_fault};

/// Something that goes wrong with one reply. Faults that match the same request act together.
///
/// Sizes are bytes of the body as it goes over the network; "after N" on a reply with at most
/// N bytes lets it end well.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// The connection is closed in place of a reply.
    CloseBeforeHeaders,
    /// The connection is reset (RST) in place of a reply.
    ResetBeforeHeaders,
    /// Nothing is sent, until the client gives up.
    NoReply,
    /// The reply is not HTTP.
    NotHttp,
    /// The status line is this text, such as `HTTP/1.1 2000 OK`; the rest of the reply is not changed.
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
    /// An error page like a proxy's: HTML, no OSS headers.
    Html(u16),
    /// 307 to another place.
    Redirect(String),
    /// 403 `SecurityTokenExpired`.
    ExpiredToken,
    /// The server's clock is ahead by so many seconds: `RequestTimeTooSkewed` when signatures are verified.
    SkewedClock(i64),
    /// 200 and the whole object in reply to a range.
    IgnoreRange,
    /// 206 and as many bytes as asked for, this far before them (or after, where nothing is before), truthfully named:
    /// as a cache in between sends that answers with another request's reply. Ranges that have neither are not struck.
    OtherBytes(u64),

    /// Before the reply, the object is replaced by another of the same size.
    NewGeneration,
    /// Before the reply, this many bytes are appended to the object; see [`Server::append`](crate::Server::append).
    Grow(u64),
    /// Before the reply, the object is replaced by this one.
    ReplaceObject(Box<Object>),

    /// A header (not a framing one) has another value, or is missing.
    Header {
        /// Name.
        name: String,
        /// `None` removes it.
        value: Option<String>,
    },
    /// `Content-Range` names bytes one further on than those sent.
    WrongContentRange,
    /// The numbers of `Content-Range` are off by so many.
    ContentRangeOff {
        /// Of the first byte.
        first: i64,
        /// Of the last byte.
        last: i64,
        /// Of the object's size.
        total: i64,
    },
    /// `Content-Range` does not tell the object's size: `bytes 0-9/*`.
    UnknownTotal,
    /// `Content-Length` is off by so many; the body is as long as it should be.
    ContentLengthOff(i64),
    /// `x-oss-hash-crc64ecma` is not the object's.
    WrongCrc,
    /// No `x-oss-hash-crc64ecma`.
    NoCrc,
    /// `ETag` is not the object's.
    WrongEtag,
    /// No `ETag`.
    NoEtag,
    /// `ETag` ends in this text, which the service does not recognise in `If-Match` (412): what becomes of a tag
    /// when a proxy compresses replies and appends `-gzip`.
    EtagSuffix(String),
    /// `ETag` is weak (`W/"…"`), so that no `If-Match` holds but `*`.
    WeakEtag,
    /// No header whose name begins with `x-oss-`.
    NoOssHeaders,

    /// The byte at this offset of the object is sent wrong. Counts only for requests that ask for it.
    FlipByte(u64),
    /// The body has the right length and none of the right bytes.
    GarbageBody,
    /// This many bytes come between the head and the body, whose end is pushed out.
    GarbageBeforeBody(u64),
    /// The connection closes this many bytes before the body's end.
    ShortBody(u64),
    /// This many bytes follow the body.
    LongBody(u64),
    /// The reply is followed by another with the same head and none of the right bytes, on an open connection.
    UnaskedReply,
    /// The connection is reset (RST) after this many bytes, once they have arrived.
    ResetAfter(u64),
    /// As `ResetAfter`, but counting all bodies on the connection.
    ResetConnectionAfter(u64),
    /// The connection is closed (FIN) after this many bytes.
    CloseAfter(u64),
    /// As `CloseAfter`, over TLS without its goodbye (close_notify).
    CutOffAfter(u64),
    /// After this many bytes nothing more comes; the connection stays open.
    StallAfter(u64),
    /// After this many bytes the server's direction is shut down, the client's stays open.
    HalfCloseAfter(u64),

    /// No `Content-Length`: the body ends with the connection.
    NoContentLength,
    /// `Transfer-Encoding: chunked`, no `Content-Length`.
    Chunked,
    /// `Content-Encoding: gzip`, and the body is gzip; chunked.
    Gzip,
    /// `Connection: close`, and the connection closes after the reply.
    CloseConnection,

    /// A successful reply begins this much later, and says so in `x-oss-qos-delay-time`, in milliseconds.
    QosDelay(Duration),
    /// A pause between the status line and the rest of the head.
    SlowHeaders(Duration),
    /// The head comes byte by byte, with this pause before each.
    DribbleHeaders(Duration),
    /// The head never ends: a line comes each time this has passed.
    EndlessHeaders(Duration),
    /// The body comes byte by byte, with this pause before each.
    Dribble(Duration),
    /// Bytes a second of the connection.
    RateLimit(u64),
    /// Time between a request and the first byte of its reply. With a [`Matcher`] for whole connections,
    /// also the time a connection takes to open, twice for TLS.
    RoundTrip(Duration),
}
