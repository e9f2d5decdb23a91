//! What a prefix download does about one object: it is refused, found unchanged, read or fetched, and recorded.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::active::Active;
use super::control::Message;
use super::decision::{Decision, decide};
use super::inspection::{Found, Inspection};
use super::manifest::format::{FileRecord, FileState};
use super::mapping;
use super::plan::{Explained, Index, is_marker};
use super::run::Run;
use super::tree;
use crate::model::error::{Error, ErrorKind, Result};
use crate::model::events::{EventSink, Observation, Observed, Subscription};
use crate::model::options::LogLevel;
use crate::model::outcome::{FileContent, Outcome};
use crate::model::request::{Checkpoint, DownloadRequest, Overwrite};
use crate::oss::validate;
use crate::storage::paths::{self, Paths};
use crate::sync::channel::Sender;
use crate::sys;

/// Largest size of an object that is fetched without a checkpoint, in bytes: its bytes reach the file in one write, so that
/// there would be nothing to record before the end, and a checkpoint takes longer than the object.
const SMALL: u64 = 1024 * 1024;

/// Tells the run that a download has ended.
struct EndSink {
    index: Index,
    messages: Sender<Message>,
}

impl EventSink for EndSink {
    fn admit(&self, _tag: u64, _download: Weak<dyn Observed>) -> Result<u64> {
        Ok(0)
    }

    fn started(&self, _id: u64) {}

    fn paused(&self, _id: u64) {
        // It may be the last one that the pause of the prefix download waits for.
        let _ = self.messages.send(Message::Wake);
    }

    fn ended(&self, _id: u64, _last: Observation, _result: std::result::Result<(), ErrorKind>) {
        // The run waits for this message before it ends.
        let _ = self.messages.send(Message::Ended(self.index));
    }

    fn withdraw(&self, _id: u64) {}
}

impl Run {
    /// Decides about an object and does what follows. An error ends the whole download.
    pub fn look_at(&mut self, index: Index) -> Result<()> {
        let looked = self.look(index);
        looked.or_else(|error| self.object_failed(index, error))
    }

    fn look(&mut self, index: Index) -> Result<()> {
        let plan = &self.progress.plan;
        if let Some(refusal) = plan.refusal(index) {
            let message = format!(
                "the object '{}' of the bucket {} is not downloaded: {}",
                plan.key(index).escape_debug(),
                self.request.bucket,
                Explained(plan, refusal)
            );
            return Err(Error::new(ErrorKind::Validation, refusal.code(), message));
        }
        let planned = plan.planned(index);
        let relative = planned.relative.to_owned();
        if is_marker(&relative) {
            self.tree.make_directory(relative.trim_end_matches('/'))?;
            self.progress.ends.directory(index);
            self.progress.counts.directories += 1;
            return Ok(());
        }
        let found = self.tree.look(&relative)?;
        let record = self.manifest.find(&relative);
        let key = plan.key(index);
        let object = (self.request.bucket.as_str(), key.as_str());
        let decision =
            decide(object, &planned, record.as_ref(), found.as_ref(), &self.circumstances);
        match decision {
            Decision::Keep => self.keep(index, found.map_or(0, |found| found.size)),
            Decision::Read => self.progress.to_read.push_back(index),
            Decision::Compare => self.compare(index)?,
            Decision::Fetch => self.fetch(index)?,
        }
        Ok(())
    }

    fn keep(&mut self, index: Index, size: u64) {
        self.progress.ends.unchanged(index, size);
        self.progress.counts.unchanged += 1;
        self.progress.counts.bytes_done += size;
        self.progress.counts.bytes_reused += size;
    }

    fn fetch(&mut self, index: Index) -> Result<()> {
        let (request, paths) = self.fetch_request(index)?;
        self.start(index, &request, paths)
    }

    /// Fetches an object unless the file that is there is the same.
    fn compare(&mut self, index: Index) -> Result<()> {
        let (mut request, paths) = self.fetch_request(index)?;
        if request.overwrite == Overwrite::Replace {
            request.overwrite = Overwrite::IfDifferent;
        }
        self.start(index, &request, paths)
    }

    /// The request for an object of which nothing is known, and the paths of its files.
    fn fetch_request(&mut self, index: Index) -> Result<(DownloadRequest, Paths)> {
        let planned = self.progress.plan.planned(index);
        self.tree.make_directory(mapping::parent(planned.relative))?;
        let checkpoint = match planned.size {
            ..=SMALL => Checkpoint::Off,
            _ => self.checkpoint(),
        };
        self.prepared(index, checkpoint)
    }

    fn checkpoint(&self) -> Checkpoint {
        Checkpoint::Directory(self.checkpoints.clone())
    }

    /// The request for an object, validated, and the paths of its files.
    fn prepared(
        &mut self,
        index: Index,
        checkpoint: Checkpoint,
    ) -> Result<(DownloadRequest, Paths)> {
        let _exit_guard = sys::exit::guard()?;
        let plan = &self.progress.plan;
        let target = self.tree.path(plan.planned(index).relative);
        let sink = EndSink { index, messages: self.messages.clone() };
        let request = DownloadRequest {
            bucket: self.request.bucket.clone(),
            key: plan.key(index),
            file_path: Some(target.clone()),
            checkpoint,
            events: Some(Subscription::new(Arc::new(sink))),
            keep_extents: true,
            ..self.request.objects.clone()
        };
        validate::request(&request)?;
        let paths = paths::resolve(&request)?;
        match paths.target == target {
            true => Ok((request, paths)),
            // A link has come since the directories were looked at.
            false => Err(tree::link(&target)),
        }
    }

    fn start(&mut self, index: Index, request: &DownloadRequest, paths: Paths) -> Result<()> {
        let path = paths.target.clone();
        let download = self.client.start_at(request, paths, Instant::now())?;
        self.control.add(index, Active { key: request.key.clone(), path, download });
        Ok(())
    }

    /// A download has ended. Returns an error that ends the whole download.
    pub fn download_ended(&mut self, index: Index) -> Option<Error> {
        let (figures, result) = self.control.with_active(index, |download| {
            (download.status().statistics, download.wait(Some(Duration::ZERO)))
        })?;
        self.progress.statistics.add(&figures);
        self.progress.counts.bytes_from_network += figures.bytes_from_network;
        let result = result.unwrap_or_else(|| Err(Error::internal("an end came too early")));
        let ended = match result {
            Ok(outcome) => {
                self.fetched(index, outcome);
                None
            }
            Err(error) => self.object_failed(index, error).err(),
        };
        self.control.retire(index, self.progress.counts, &self.progress.statistics);
        ended
    }

    fn fetched(&mut self, index: Index, outcome: Outcome) {
        let Outcome { file_size, .. } = outcome;
        match outcome.content {
            Some(FileContent { was_there: true, .. }) => self.keep(index, file_size),
            _ => {
                self.progress.ends.fetched(index, file_size);
                self.progress.counts.fetched += 1;
                self.progress.counts.bytes_done += file_size;
                self.progress.counts.bytes_reused += outcome.statistics.bytes_reused;
            }
        }
        let relative = self.progress.plan.planned(index).relative.to_owned();
        let Ok(Some(file)) = self.tree.look(&relative) else { return };
        let Some(content) = outcome.content else { return };
        if file.size != file_size {
            // Another program has changed it already.
            return;
        }
        self.record(&FileRecord {
            path: relative,
            bucket: self.request.bucket.clone(),
            key: self.progress.plan.key(index),
            etag: outcome.etag,
            version_id: outcome.version_id,
            last_modified: outcome.last_modified,
            object_size: outcome.object_size,
            object_crc64: outcome.object_crc64,
            is_decrypted: content.is_decrypted,
            file,
            unflushed_since_boot: self.unflushed(),
            extents: content.extents.to_vec(),
        });
    }

    /// What records say of files that this run does not flush.
    fn unflushed(&self) -> Option<[u8; 16]> {
        (!self.request.objects.flush).then(|| self.circumstances.boot.unwrap_or_default())
    }

    /// A record that cannot be written costs a later run the object's bytes, and nothing in this one.
    fn record(&mut self, record: &FileRecord) {
        if let Err(error) = self.manifest.put(record) {
            self.log(LogLevel::Warn, || format!("'{}' was not recorded: {error}", record.path));
        }
    }

    /// An object cannot be downloaded. Returns the error if that ends the whole download.
    fn object_failed(&mut self, index: Index, error: Error) -> Result<()> {
        let ends_all =
            matches!(error.kind(), ErrorKind::Cancelled | ErrorKind::Disabled | ErrorKind::Forked);
        if ends_all {
            return Err(error);
        }
        let error = match error.code() {
            "NoSuchKey" => {
                self.discard_checkpoint(index);
                error.with_context("; it was listed, and has been removed since")
            }
            _ => error,
        };
        let planned = self.progress.plan.planned(index);
        self.progress.ends.failed(index, planned.size, error);
        self.progress.counts.failed += 1;
        Ok(())
    }

    /// Removes what an earlier run has left of an object that does not exist any more.
    fn discard_checkpoint(&mut self, index: Index) {
        let Ok((request, _)) = self.prepared(index, self.checkpoint()) else { return };
        if let Err(error) = self.client.discard_checkpoint(&request) {
            self.log(LogLevel::Warn, || format!("a checkpoint was not removed: {error}"));
        }
    }

    /// Reads a part of a file that may have changed; `false` if there is none.
    pub fn read_some(&mut self) -> Result<bool> {
        let inspection = match self.progress.inspection.take() {
            Some(inspection) => inspection,
            None => {
                let Some(index) = self.progress.to_read.pop_front() else { return Ok(false) };
                match self.begin_inspection(index) {
                    Ok(Some(inspection)) => inspection,
                    Ok(None) => return Ok(true),
                    Err(error) => return self.object_failed(index, error).map(|()| true),
                }
            }
        };
        let index = inspection.index;
        self.inspect(inspection).or_else(|error| self.object_failed(index, error)).map(|()| true)
    }

    /// Opens the file of an object; if it cannot be read, the object is fetched.
    fn begin_inspection(&mut self, index: Index) -> Result<Option<Inspection>> {
        let relative = self.progress.plan.planned(index).relative.to_owned();
        let file = self.tree.open_file(&relative);
        let (Ok(Some(file)), Some(record)) = (file, self.manifest.find(&relative)) else {
            self.fetch(index)?;
            return Ok(None);
        };
        let download = self.prepared(index, self.checkpoint())?;
        Inspection::new((index, record), download, file).map(Some)
    }

    fn inspect(&mut self, mut inspection: Inspection) -> Result<()> {
        let exit_guard = sys::exit::guard()?;
        let found = inspection.step(&mut self.progress.buffer)?;
        drop(exit_guard);
        match found {
            Found::Nothing => self.progress.inspection = Some(inspection),
            Found::Same(file) => self.found_same(&inspection, file)?,
            Found::Damaged => {
                let index = inspection.index;
                let (request, paths) = inspection.into_download();
                self.log(LogLevel::Warn, || format!("'{}' has changed", paths.target.display()));
                self.start(index, &request, paths)?;
            }
        }
        Ok(())
    }

    fn found_same(&mut self, inspection: &Inspection, file: FileState) -> Result<()> {
        let record = &inspection.record;
        let is_known = record.file == file && record.unflushed_since_boot.is_none();
        if !is_known {
            if self.request.objects.flush {
                inspection.flush()?;
            }
            self.record(&FileRecord {
                file,
                unflushed_since_boot: self.unflushed(),
                ..record.clone()
            });
        }
        self.keep(inspection.index, file.size);
        Ok(())
    }
}
