//! What is known of a transfer once the first good reply came.

use std::sync::Arc;

use crate::model::pinning::Pinning;
use crate::oss::reply::ReplyHead;
use crate::sync::channel::Sender;
use crate::transfer::disk::write_target::WriteTarget;
use crate::transfer::event::Event;
use crate::transfer::policy::reply_check::{Generation, UNKNOWN};

use super::stored_extents::StoredExtents;

/// Everything that is known once the first good reply came.
pub struct Transfer {
    pub generation: Arc<Generation>,
    /// How later replies are held to it.
    pub pinning: Pinning,
    /// The service refused its own ETag, and no reply without `If-Match` has yet shown that the object is the same.
    pub unconfirmed: bool,
    pub stored: StoredExtents,
    pub head: ReplyHead,
    pub grain: u64,
    /// Whether the proof of an earlier run's bytes is still going on.
    pub proving: bool,
}

impl Transfer {
    /// Bytes to download, if that is known.
    pub fn len(&self) -> Option<u64> {
        let range = self.stored.range();
        (range.end != UNKNOWN).then(|| range.end - range.start)
    }

    /// The body has shown where an object of unknown size ends: at byte `end`.
    pub fn end_at(&mut self, end: u64) {
        Arc::make_mut(&mut self.generation).size = end;
        self.stored.end_at(end);
    }

    /// Where a fetch's bytes go.
    pub fn write_target(&self, events: &Sender<Event>) -> Arc<WriteTarget> {
        Arc::new(WriteTarget::new(
            self.stored.file().clone(),
            self.stored.range().start,
            events.clone(),
        ))
    }
}
