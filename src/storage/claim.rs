//! The files to which this process downloads, or will when their turn comes.
//!
//! The locks of the files themselves keep runs apart, of other processes too. They are taken when a download starts to
//! work; a claim is made before, and needs no descriptor.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use parking_lot::Mutex;

use super::paths::Paths;
use crate::model::error::{Error, Result};
use crate::sys::per_process::PerProcess;

static CLAIMED: PerProcess<Mutex<HashSet<TargetId>>> = PerProcess::new();

/// A file, by the identity of its directory, which several paths may lead to, and its name there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct TargetId {
    device: u64,
    directory: u64,
    name: OsString,
}

/// The right of one download to a target, until it is dropped.
#[derive(Debug)]
pub struct TargetClaim {
    target: TargetId,
}

impl TargetClaim {
    /// Claims the target; `Busy` if a download of this process has it.
    pub fn new(paths: &Paths) -> Result<Self> {
        let directory = paths.target.parent().unwrap_or(Path::new("/"));
        let found = fs::metadata(directory)
            .map_err(|error| Error::io("read the metadata of", directory, &error))?;
        let name = paths.target.file_name().unwrap_or_default().to_owned();
        let target = TargetId { device: found.dev(), directory: found.ino(), name };
        if CLAIMED.get().lock().insert(target.clone()) {
            Ok(TargetClaim { target })
        } else {
            Err(Error::busy(&paths.target))
        }
    }
}

impl Drop for TargetClaim {
    fn drop(&mut self) {
        let mut claimed = CLAIMED.get().lock();
        claimed.remove(&self.target);
        if claimed.is_empty() {
            // Nothing is left at the end of a process whose downloads have ended.
            claimed.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::error::ErrorKind;
    use crate::model::request::DownloadRequest;
    use crate::storage::paths;

    #[test]
    fn a_target_has_one_claim_at_a_time_under_any_of_its_paths() {
        let dir = tempfile::tempdir().expect("directory");
        std::os::unix::fs::symlink(dir.path(), dir.path().join("same")).expect("link");
        let claim = |name: &str| {
            let request = DownloadRequest::new("bucket", "key").file_path(dir.path().join(name));
            TargetClaim::new(&paths::resolve(&request).expect("paths"))
        };
        let first = claim("file").expect("free");
        let _other = claim("other").expect("free");
        for name in ["file", "same/file"] {
            let error = claim(name).expect_err("claimed");
            assert_eq!((error.kind(), error.code()), (ErrorKind::Busy, "Busy"));
        }
        drop(first);
        claim("same/file").expect("free again");
    }
}
