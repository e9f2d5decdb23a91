//! What a download's driver is told by the threads that work for it.

use std::time::Duration;

use crate::model::error::Error;
use crate::model::extent::Extent;
use crate::oss::reply::ReplyHead;

use super::policy::reply_check::Flaw;

/// News for one download, over its own channel.
pub enum Event {
    /// The opening request has a body on its way and waits to be told where to put it.
    FirstReply { fetch: u64, head: ReplyHead },
    /// These bytes are in the temp file.
    Stored(Extent),
    /// A fetch has ended; everything it stored was reported before.
    Ended(Box<FetchEnd>),
    /// A write failed; the download cannot go on.
    Fault(Error),
    /// An extent of an earlier run was read back and is right, …
    Proved(Extent),
    /// … or is not.
    Damaged(Extent),
    /// Every extent of the earlier run was looked at, or reading failed.
    ProofEnded(Result<(), Error>),
    /// Look at flags and clocks again: credentials came, or a cancel.
    Wake,
}

/// How one fetch ended.
pub struct FetchEnd {
    pub fetch: u64,
    pub ending: EndReason,
    /// Head of the reply, if one came.
    pub head: ReplyHead,
    /// Start of an error's body.
    pub body: Vec<u8>,
    /// Body bytes that were the span's.
    pub received: u64,
    /// From the request on the wire to its first byte.
    pub first_byte: Option<Duration>,
}

impl FetchEnd {
    /// The end of a fetch that never got an answer.
    pub fn without_reply(fetch: u64, ending: EndReason) -> Self {
        FetchEnd {
            fetch,
            ending,
            head: ReplyHead::default(),
            body: Vec::new(),
            received: 0,
            first_byte: None,
        }
    }
}

/// Why a fetch ended.
#[derive(Debug)]
pub enum EndReason {
    /// The whole span came (or, for a HEAD, its reply).
    Complete,
    /// The end of its span had been taken away, and everything before it came.
    Cut,
    /// The driver asked for it.
    Aborted,
    /// The service answered with a status that carries no object bytes.
    Refused,
    /// A reply that is not the one asked for, or none that can be read; no byte of it was used.
    Unusable(Flaw),
    /// The connection failed, or the body was short.
    Broken { curl_code: u32, message: String },
    /// No byte came for the idle time-out.
    Stalled,
    /// The file could not be written.
    Fault(Error),
}
