//! Inspecting and discarding a checkpoint without downloading.

use std::ops::Range;
use std::path::PathBuf;

use super::journal::JournalLocation;
use crate::model::error::Result;
use crate::model::request::DownloadRequest;
use crate::storage::paths::Paths;
use crate::storage::temp_file::TempFile;
use crate::sys::locked_file::LockedFile;

/// The contents of a download's checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckpointInfo {
    /// The checkpoint file.
    pub path: PathBuf,
    /// Bucket of the object; empty if the download is from a URL.
    pub bucket: String,
    /// Key of the object; empty if the download is from a URL.
    pub key: String,
    /// Version of the object, as the service said or else the request; `None` without versioning.
    pub version_id: Option<String>,
    /// URL of the object without its query; `None` if bucket and key name the object.
    pub url: Option<String>,
    /// Absolute path of the file that the download is to create.
    pub file_path: PathBuf,
    /// The object's ETag without quotes; a weak one as sent, `W/"…"`.
    pub etag: String,
    /// Size of the whole object in bytes.
    pub object_size: u64,
    /// The range of the object that is downloaded: first byte, one past the last.
    pub range: Range<u64>,
    /// Bytes recorded as downloaded; they are verified on the disk when the download resumes.
    pub bytes_recorded: u64,
    /// The object's `Last-Modified`, as the service sent it.
    pub last_modified: Option<String>,
}

/// Reads the checkpoint at `journal`, that of `request`; `None` if there is none from which a download could resume. A
/// running download may be using it.
pub fn inspect(
    journal: &JournalLocation,
    request: &DownloadRequest,
) -> Result<Option<CheckpointInfo>> {
    // What the journal records in place of a URL has no scheme.
    let url = request.address().map(|address| address.to_string());
    Ok(journal.read_unlocked()?.map(|(header, extents)| CheckpointInfo {
        path: journal.path().to_owned(),
        key: if url.is_some() { String::new() } else { header.key },
        bucket: header.bucket,
        version_id: header.object_version_id.or(header.version_id),
        url,
        file_path: header.destination,
        etag: header.etag,
        object_size: header.object_size,
        range: header.range,
        bytes_recorded: extents.iter().map(|extent| extent.len).sum(),
        last_modified: header.last_modified,
    }))
}

/// Removes the checkpoint and its temporary file; `false` if there is no checkpoint. `Busy`, and nothing is removed,
/// while a download uses them.
pub fn discard(journal: &JournalLocation, paths: &Paths) -> Result<bool> {
    let Some(locked) = journal.lock()? else { return Ok(false) };
    let recorded = locked.contents.as_ref().and_then(|(h, _)| paths.recorded_temp(&h.temp_name));
    if let Some(temp) = recorded.map(|path| TempFile::open_existing(&path)).transpose()?.flatten() {
        temp.remove()?;
    }
    locked.discard().map(|()| true)
}

/// The file of the download of `request` to `paths` that another run has locked, if there is one. It reads nothing.
pub fn used_file(request: &DownloadRequest, paths: &Paths) -> Option<PathBuf> {
    let journal = JournalLocation::of(request, paths).map(|journal| journal.path().to_owned());
    // A file that cannot be opened is an error of the download itself.
    let is_used = |path: &PathBuf| LockedFile::is_locked_elsewhere(path).unwrap_or(false);
    journal.into_iter().chain([paths.temp.clone()]).find(is_used)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::format::Header;
    use crate::model::error::ErrorKind;
    use crate::model::extent::Extent;
    use crate::model::pinning::Pinning;
    use crate::storage::paths;
    use std::ffi::OsString;

    struct Scratch {
        _dir: tempfile::TempDir,
        request: DownloadRequest,
        files: Paths,
        journal: JournalLocation,
    }

    fn scratch() -> Scratch {
        let dir = tempfile::tempdir().expect("directory");
        let request = DownloadRequest::new("bucket", "key")
            .file_path(dir.path().join("file"))
            .checkpoint_dir(dir.path());
        let files = paths::resolve(&request).expect("resolve");
        let journal = JournalLocation::new(dir.path(), &request, &files.target);
        Scratch { _dir: dir, request, files, journal }
    }

    impl Scratch {
        fn header(&self, temp_name: impl Into<OsString>) -> Header {
            Header {
                bucket: "bucket".into(),
                key: "key".into(),
                version_id: None,
                object_version_id: None,
                etag: "ETAG".into(),
                object_size: 100,
                object_crc64: None,
                last_modified: None,
                pinning: Pinning::IfMatch,
                requested: None,
                range: 0..100,
                destination: self.files.target.clone(),
                temp_name: temp_name.into(),
            }
        }
    }

    #[test]
    fn a_checkpoint_can_be_inspected_while_it_is_in_use() {
        let scratch = scratch();
        assert_eq!(inspect(&scratch.journal, &scratch.request).expect("inspect"), None);
        let extents =
            [Extent { offset: 0, len: 10, crc: 0 }, Extent { offset: 50, len: 5, crc: 0 }];
        let header = scratch.header("file.temp");
        let _in_use = scratch.journal.start(None, &header, &extents).expect("start");
        let info = inspect(&scratch.journal, &scratch.request).expect("inspect").expect("there");
        assert_eq!((info.etag.as_str(), info.range, info.bytes_recorded), ("ETAG", 0..100, 15));
        assert_eq!((info.bucket.as_str(), info.key.as_str(), info.url), ("bucket", "key", None));
        assert_eq!((info.file_path, info.version_id), (scratch.files.target.clone(), None));
    }

    #[test]
    fn the_version_is_the_one_that_was_received_or_else_the_one_that_was_asked_for() {
        let mut scratch = scratch();
        scratch.request.version_id = Some("asked".to_owned());
        let target = &scratch.files.target;
        scratch.journal = JournalLocation::new(scratch._dir.path(), &scratch.request, target);
        for (received, expected) in [(None, "asked"), (Some("received"), "received")] {
            let header = Header {
                version_id: Some("asked".to_owned()),
                object_version_id: received.map(str::to_owned),
                ..scratch.header("file.temp")
            };
            let previous = scratch.journal.lock().expect("lock");
            drop(scratch.journal.start(previous.as_ref(), &header, &[]).expect("start"));
            drop(previous);
            let info = inspect(&scratch.journal, &scratch.request).expect("inspect");
            assert_eq!(info.expect("there").version_id.as_deref(), Some(expected));
        }
    }

    #[test]
    fn discarding_removes_the_checkpoint_and_its_temporary_file() {
        let scratch = scratch();
        assert!(!discard(&scratch.journal, &scratch.files).expect("discard"));
        let temp = TempFile::create(&scratch.files.temp, None).expect("create");
        let header = scratch.header(temp.path().file_name().expect("name"));
        let refuse_while = |held: &str| {
            let error = discard(&scratch.journal, &scratch.files).expect_err(held);
            assert_eq!(error.kind(), ErrorKind::Busy);
            assert!(scratch.journal.path().exists() && scratch.files.temp.exists());
        };
        let journal = scratch.journal.start(None, &header, &[]).expect("start");
        refuse_while("another run uses both");
        drop(journal);
        refuse_while("another run uses the temporary file");
        drop(temp);
        assert!(discard(&scratch.journal, &scratch.files).expect("discard"));
        assert!(!scratch.journal.path().exists() && !scratch.files.temp.exists());
    }

    #[test]
    fn discarding_a_checkpoint_cannot_remove_another_file() {
        let scratch = scratch();
        let donor = scratch.files.target.with_file_name("donor");
        std::fs::write(&donor, "precious").expect("write");
        drop(scratch.journal.start(None, &scratch.header("donor"), &[]).expect("start"));
        assert!(discard(&scratch.journal, &scratch.files).expect("discard"));
        assert!(donor.exists());
    }
}
