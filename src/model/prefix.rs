//! Downloads of all objects whose keys have a prefix: what is asked for, and how it is going.

use std::path::PathBuf;
use std::time::Duration;

use super::events::Subscription;
use super::request::DownloadRequest;

/// A request to download every object whose key has a prefix into a directory.
///
/// Only bucket and directory are required; an empty prefix means the whole bucket. The request is validated when the
/// download starts, before anything is sent or written.
///
/// The path of an object's file is its key without everything up to the last `/` of the prefix, in the directory: with
/// the prefix `models/llama` or `models/`, the key `models/llama/a.bin` becomes `llama/a.bin`. Directories are created as
/// needed. A key that ends in `/` is a directory marker: a directory is created, and no file.
///
/// These keys are not downloaded, and each gets an error in the result:
///
/// - `UnsafeKey`: the path would have an empty segment, or a segment `.` or `..`, so that it might lead elsewhere; it
///   contains a backslash, which other systems take for a separator, or a control character; a segment or the path is too
///   long; it begins with the name of the manifest's directory, `.oss-resumable`; or a directory marker has content.
/// - `KeyCollision`: the path is that of another key's file, on a file system that does not distinguish upper and lower
///   case (both keys get the error); it is a directory for other keys, as that of `a` is for `a/b`; or it is that of
///   another key's temporary file, as `a.temp` is for `a` (the other keys are downloaded).
/// - `UnsafePath`: a part of the path is a symbolic link. Links below the directory are not followed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PrefixRequest {
    /// Bucket name.
    pub bucket: String,
    /// Only keys that begin with this, at most 1023 bytes; empty: all.
    pub prefix: String,
    /// Where the files are created; it must exist.
    pub directory: PathBuf,
    /// Directory of the manifest and of the checkpoints of unfinished objects; it must exist, and other prefix downloads
    /// may use it too. Default: `.oss-resumable` in `directory`, which is created.
    pub manifest_dir: Option<PathBuf>,
    /// Only keys behind this one, which need not exist; at most 1023 bytes. Default: none.
    pub start_after: Option<String>,
    /// Read every file that is there already and compare it with its checksums. Default off: a file that has the size,
    /// the modification time and the inode that it had after its download counts as unchanged.
    pub verify: bool,
    /// Longest time for everything from the call that starts it, after which it fails with `Deadline`. Default: no limit.
    pub deadline: Option<Duration>,
    /// How each object is downloaded. Bucket and key are left empty, and these are not set: the file's path, the
    /// checkpoint, a range, a version, conditions, `x-oss-process`, expected digests, an event queue and a deadline. Limits such as
    /// `thread_num` and `max_bandwidth` are those of one object. With `requester_pays` the listing is paid by the
    /// requester too.
    pub objects: DownloadRequest,
    /// Takes the events of the prefix download.
    pub(crate) events: Option<Subscription>,
    /// Any number: the events of the prefix download carry it. The traces of its requests carry that of `objects`. See
    /// [`PrefixRequest::event_queue`].
    pub tag: u64,
}

impl PrefixRequest {
    /// A request for all objects of `bucket` whose keys begin with `prefix`, with every default.
    pub fn new(
        bucket: impl Into<String>,
        prefix: impl Into<String>,
        directory: impl Into<PathBuf>,
    ) -> Self {
        PrefixRequest {
            bucket: bucket.into(),
            prefix: prefix.into(),
            directory: directory.into(),
            manifest_dir: None,
            start_after: None,
            verify: false,
            deadline: None,
            objects: DownloadRequest::new("", ""),
            events: None,
            tag: 0,
        }
    }

    /// The name of what is downloaded, in messages.
    pub(crate) fn listed(&self) -> String {
        format!("oss://{}/{}", self.bucket, self.prefix).escape_debug().to_string()
    }
}

/// What a prefix download is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PrefixPhase {
    /// Listing the objects. Nothing is written before the listing is complete.
    #[default]
    Listing,
    /// Comparing and fetching objects.
    Transferring,
    /// Ended with a result, which may contain errors of objects.
    Succeeded,
    /// Ended with an error.
    Failed,
}

/// Counts of a prefix download, so far or in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PrefixCounts {
    /// Objects that were listed.
    pub objects: u64,
    /// Objects that were fetched, whole or in part.
    pub fetched: u64,
    /// Objects whose files were there and are unchanged.
    pub unchanged: u64,
    /// Directory markers.
    pub directories: u64,
    /// Objects that could not be downloaded.
    pub failed: u64,
    /// Sizes of the listed objects, in bytes, as the listing says.
    pub bytes_listed: u64,
    /// Bytes of the files that are complete.
    pub bytes_done: u64,
    /// Body bytes of objects received from the network.
    pub bytes_from_network: u64,
    /// Those of `bytes_done` that were there already: the sizes of unchanged files, and what downloads kept of an earlier
    /// run or of a damaged file ([`Statistics::bytes_reused`](crate::Statistics::bytes_reused)).
    pub bytes_reused: u64,
}

/// The status of a prefix download at one moment.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct PrefixStatus {
    /// The current phase.
    pub phase: PrefixPhase,
    /// It has been paused.
    pub is_paused: bool,
    /// The counts so far. `bytes_done`, `bytes_from_network` and `bytes_reused` include the objects that are being
    /// downloaded.
    pub counts: PrefixCounts,
    /// Objects whose downloads have started and not ended, those in the client's queue included.
    pub active: u64,
    /// Body bytes per second received from the network over about the last two seconds; 0 after the end.
    pub bytes_per_second: u64,
}
