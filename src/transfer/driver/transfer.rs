//! What is known of a transfer once the first good reply came.

use std::sync::Arc;

use crate::model::encryption::ContentKey;
use crate::oss::reply::ReplyHead;
use crate::sync::channel::Sender;
use crate::transfer::disk::write_target::WriteTarget;
use crate::transfer::event::Event;
use crate::transfer::policy::reply_check::Generation;

use super::stored_extents::StoredExtents;

/// Everything that is known once the first good reply came.
pub struct Transfer {
    pub generation: Arc<Generation>,
    pub stored: StoredExtents,
    pub head: ReplyHead,
    /// Decrypts the bytes that come; none when they are saved as they are.
    pub content_key: Option<Arc<ContentKey>>,
    pub grain: u64,
    /// Whether the proof of an earlier run's bytes is still going on.
    pub proving: bool,
}

impl Transfer {
    /// Where a fetch's bytes go.
    pub fn write_target(&self, events: &Sender<Event>) -> Arc<WriteTarget> {
        Arc::new(WriteTarget::new(
            self.stored.file().clone(),
            self.stored.range().start,
            events.clone(),
        ))
    }
}
