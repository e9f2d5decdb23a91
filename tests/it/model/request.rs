//! A plan's request and client, for this process and for one that is killed.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use oss_resumable::{
    AccessKey, ByteRange, Checkpoint, ClientOptions, Credentials, DownloadRequest, Overwrite,
    RetryVerdict,
};
use serde::{Deserialize, Serialize};

use super::plan::{CheckpointPlan, Condition, RequestPlan};
use crate::fixture::{BUCKET, ID, KEY, SECRET};

/// The endpoint and the directory of a request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Site {
    pub endpoint: String,
    pub directory: PathBuf,
    /// ETag of the first object.
    pub first_etag: String,
}

impl Site {
    pub fn target(&self) -> PathBuf {
        self.directory.join("file.bin")
    }

    pub fn temp(&self) -> PathBuf {
        self.directory.join("file.bin.temp")
    }

    fn elsewhere(&self) -> PathBuf {
        self.directory.join("checkpoints")
    }

    /// The directory of the checkpoint, if there is one.
    pub fn checkpoint_dir(&self, plan: &RequestPlan) -> Option<PathBuf> {
        match plan.checkpoint {
            CheckpointPlan::Off => None,
            CheckpointPlan::BesideTarget => Some(self.directory.clone()),
            CheckpointPlan::Elsewhere => Some(self.elsewhere()),
        }
    }

    /// Creates the directories.
    pub fn prepare(&self) {
        std::fs::create_dir(self.elsewhere()).expect("directory");
    }

    pub fn request(&self, plan: &RequestPlan) -> DownloadRequest {
        let mut request = DownloadRequest::new(BUCKET, KEY)
            .file_path(self.target())
            .part_size(plan.part_size)
            .thread_num(plan.thread_num);
        request.range = plan.range.map(|(start, end)| ByteRange { start, end });
        request.checkpoint = match plan.checkpoint {
            CheckpointPlan::Off => Checkpoint::Off,
            CheckpointPlan::BesideTarget => Checkpoint::BesideTarget,
            CheckpointPlan::Elsewhere => Checkpoint::Directory(self.elsewhere()),
        };
        match plan.condition {
            Condition::None => {}
            Condition::IfFirst => request.if_match = vec![self.first_etag.clone()],
            Condition::IfAnother => request.if_match = vec!["ANOTHER".to_owned()],
            Condition::IfNotFirst => request.if_none_match = vec![self.first_etag.clone()],
        }
        request.flush = plan.flush;
        request.overwrite = if plan.replaces { Overwrite::Replace } else { Overwrite::Fail };
        request.verify_before_rename = plan.verify_before_rename;
        request.preallocate = plan.preallocate;
        request
    }

    /// A client whose only time limit is `silence`, the idle time-out. It makes the default number of attempts with
    /// shorter pauses.
    pub fn options(&self, plan: &RequestPlan, silence: Duration) -> ClientOptions {
        let mut options = ClientOptions::new(&self.endpoint)
            .region("cn-hangzhou")
            .credentials(Credentials::Static(AccessKey::new(ID, SECRET, None)));
        options.connect_timeout = Some(Duration::from_secs(30));
        options.idle_timeout = Some(silence);
        options.first_byte_limit = None;
        options.no_progress_limit = None;
        options.verify_crc = plan.verify_crc;
        options.retry = Some(Arc::new(|attempt| match attempt.would_retry {
            true => RetryVerdict::After(Duration::from_millis(1)),
            false => RetryVerdict::Default,
        }));
        options
    }
}
