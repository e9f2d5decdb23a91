//! The events that a download's driver receives from other threads.

use std::net::SocketAddr;
use std::time::Duration;

use crate::model::digest::Digests;
use crate::model::error::Error;
use crate::model::extent::Extent;
use crate::oss::reply::ReplyHead;

use super::policy::reply_check::Flaw;

/// An event of one download, sent over its own channel.
pub enum Event {
    /// The first reply has a body; the fetch waits until the driver has accepted it.
    FirstReply { fetch: u64, head: ReplyHead },
    /// These bytes have been written to the temporary file.
    Stored(Extent),
    /// A fetch has ended; everything it stored has been reported before.
    Ended(Box<FetchEnd>),
    /// A write failed; the download cannot continue.
    Fault(Error),
    /// An extent of an earlier run was read back and is correct.
    Proved(Extent),
    /// An extent of an earlier run was read back and is damaged.
    Damaged(Extent),
    /// Every extent of the earlier run was checked, or reading failed.
    ProofEnded(Result<(), Error>),
    /// The digests of the whole file; `None` if bytes that are in the file cannot be read.
    Hashed(Result<Option<Digests>, Error>),
    /// Check flags and clocks again: the credentials have arrived, or the download was cancelled.
    Wake,
}

/// How one fetch ended.
pub struct FetchEnd {
    pub fetch: u64,
    pub ending: EndReason,
    /// Head of the reply, if there was one.
    pub head: ReplyHead,
    /// Start of an error's body, or a whole document.
    pub body: Vec<u8>,
    /// Body bytes that belonged to the span.
    pub received: u64,
    /// Time from the sending of the request to the first byte.
    pub first_byte: Option<Duration>,
    /// Its connection, if requests are traced and it had one.
    pub connection: Option<UsedConnection>,
}

/// The connection of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsedConnection {
    pub peer: SocketAddr,
    pub local_port: u16,
    /// It was opened for an earlier request.
    pub is_reused: bool,
    /// Time from the start of the request until its new connection was ready.
    pub ready: Option<Duration>,
}

impl FetchEnd {
    /// The end of a fetch that received no reply.
    pub fn without_reply(fetch: u64, ending: EndReason) -> Self {
        FetchEnd {
            fetch,
            ending,
            head: ReplyHead::default(),
            body: Vec::new(),
            received: 0,
            first_byte: None,
            connection: None,
        }
    }
}

/// Why a fetch ended.
#[derive(Debug)]
pub enum EndReason {
    /// The whole span was received (or, for a HEAD or a document, the reply).
    Complete,
    /// The end of the span was cut off, and all bytes before it were received.
    Cut,
    /// The driver aborted it.
    Aborted,
    /// The service answered with a status without object bytes.
    Refused,
    /// The reply is not the requested one, or is unreadable; none of its bytes was used.
    Unusable(Flaw),
    /// The connection failed, or the body was short.
    Broken { curl_code: u32, message: String },
    /// No byte arrived within the idle time-out.
    Stalled,
    /// The file could not be written.
    Fault(Error),
}
