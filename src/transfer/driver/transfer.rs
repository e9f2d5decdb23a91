//! The state of a transfer after the first successful reply.

use std::sync::Arc;

use crate::model::encryption::ContentKey;
use crate::model::pinning::Pinning;
use crate::oss::reply::ReplyHead;
use crate::transfer::policy::reply_check::{Generation, UNKNOWN};
use crate::transfer::world::Destination;

use super::stored_extents::StoredExtents;

/// Everything that is known after the first successful reply.
pub struct Transfer {
    pub generation: Arc<Generation>,
    /// How later replies are pinned to it.
    pub pinning: Pinning,
    /// The service refused its own ETag, and no reply without `If-Match` has shown yet that the object is the same.
    pub unconfirmed: bool,
    pub stored: StoredExtents,
    pub head: ReplyHead,
    /// Decrypts the received bytes; `None` if they are saved as they are.
    pub content_key: Option<Arc<ContentKey>>,
    pub grain: u64,
    /// Whether the proof of an earlier run's bytes is still running.
    pub proving: bool,
}

impl Transfer {
    /// Bytes to download, if known.
    pub fn len(&self) -> Option<u64> {
        let range = self.stored.range();
        (range.end != UNKNOWN).then(|| range.end - range.start)
    }

    /// The body has shown the end of an object of unknown size: byte `end`.
    pub fn end_at(&mut self, end: u64) {
        Arc::make_mut(&mut self.generation).size = end;
        self.stored.end_at(end);
    }

    /// The destination of a request's bytes.
    pub fn destination(&self) -> Destination {
        Destination {
            file: self.stored.file().clone(),
            base: self.stored.range().start,
            grain: self.grain,
            content_key: self.content_key.clone(),
        }
    }
}
