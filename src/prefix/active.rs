//! The objects that a prefix download is downloading.

use std::path::PathBuf;

use super::PrefixDownload;
use crate::download::Download;
use crate::model::outcome::Status;

/// An object of a prefix download whose own download has started and not ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ActiveObject {
    /// The whole key.
    pub key: String,
    /// The file that it becomes.
    pub path: PathBuf,
    /// The status of its download, which may wait in the client's queue.
    pub status: Status,
}

/// The download of an object.
pub struct Active {
    pub key: String,
    pub path: PathBuf,
    pub download: Download,
}

impl Active {
    pub fn observed(&self) -> ActiveObject {
        ActiveObject {
            key: self.key.clone(),
            path: self.path.clone(),
            status: self.download.status(),
        }
    }
}

impl PrefixDownload {
    /// Returns the objects whose downloads have started and not ended, in the order of their keys' bytes: as many as
    /// [`PrefixStatus::active`](crate::PrefixStatus::active) says. At most 64 or twice
    /// [`ClientOptions::max_active_downloads`](crate::ClientOptions::max_active_downloads), whichever is more. Objects
    /// whose files are read to find out what has changed are not among them. Never waits for the network or the disk.
    /// Empty in a forked child.
    pub fn active_objects(&self) -> Vec<ActiveObject> {
        match self.client.require_threads() {
            Ok(()) => self.control.active_objects(),
            Err(_) => Vec::new(),
        }
    }
}
