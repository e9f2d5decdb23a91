//! What interrupted runs have left of objects that are not listed any more: their checkpoints and temporary files.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use super::run::Run;
use crate::checkpoint::format::{Header, MAX_HEADER};
use crate::checkpoint::journal::SUFFIX;
use crate::model::options::LogLevel;
use crate::model::request::{Checkpoint, DownloadRequest};

impl Run {
    /// Removes them. What cannot be removed, for example because another run uses it, stays.
    pub fn remove_leftovers(&mut self) {
        if self.request.start_after.is_some() {
            return;
        }
        let Ok(entries) = fs::read_dir(&self.checkpoints) else { return };
        for path in entries.flatten().map(|entry| entry.path()) {
            let is_journal = path.to_string_lossy().ends_with(SUFFIX);
            let header = if is_journal { read_header(&path) } else { None };
            if let Some(header) = header.filter(|header| self.is_leftover(header)) {
                self.discard(&header);
            }
        }
    }

    /// Whether a checkpoint is that of an object of this prefix that was not listed.
    fn is_leftover(&self, header: &Header) -> bool {
        header.bucket == self.request.bucket
            && header.key.starts_with(&self.request.prefix)
            && header.destination.starts_with(&self.directory)
            && !self.progress.plan.contains(&header.key)
    }

    fn discard(&self, header: &Header) {
        let request = DownloadRequest {
            bucket: header.bucket.clone(),
            key: header.key.clone(),
            file_path: Some(header.destination.clone()),
            checkpoint: Checkpoint::Directory(self.checkpoints.clone()),
            ..self.request.objects.clone()
        };
        if let Err(error) = self.client.discard_checkpoint(&request) {
            self.log(LogLevel::Warn, || format!("a checkpoint was not removed: {error}"));
        }
    }
}

/// The header of the journal at `path`, if that is one.
fn read_header(path: &Path) -> Option<Header> {
    let mut start = Vec::new();
    File::open(path).ok()?.take(MAX_HEADER as u64).read_to_end(&mut start).ok()?;
    Header::decode(&start).map(|(header, ..)| header)
}
