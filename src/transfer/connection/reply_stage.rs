//! How far the reply of a request has been checked.

use std::ops::Range;
use std::sync::Arc;

use crate::model::pinning::Pinning;
use crate::transfer::policy::reply_check::Generation;

/// What the reply must be before its body is used.
pub enum ReplyStage {
    /// The first request of a download: the driver checks its reply.
    FirstReply,
    /// The reply was sent to the driver, which has not decided yet.
    AwaitsDriver,
    /// A later request: the reply must contain exactly these bytes of this generation.
    Expected { generation: Arc<Generation>, pinning: Pinning, asked: Range<u64> },
    /// The reply was accepted; its bytes are used.
    Accepted,
    /// A document of at most so many bytes, not an object: the body is kept for whoever asked for it.
    Document { max: usize },
    /// A HEAD, or a status without object bytes: the body is kept as the text of the error.
    NotObject,
}

impl ReplyStage {
    /// How the reply is pinned to the generation of an earlier one.
    pub fn pinning(&self) -> Option<Pinning> {
        match self {
            ReplyStage::Expected { pinning, .. } => Some(*pinning),
            _ => None,
        }
    }
}
