//! The files to which this process downloads, or will when their turn comes.
//!
//! The locks of the files themselves keep runs apart, of other processes too. They are taken when a download starts to
//! work; a claim is made before, and needs no descriptor. Claims of one target wait for each other in their order.

use std::collections::{HashMap, VecDeque};
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use parking_lot::Mutex;

use super::paths::Paths;
use crate::model::error::{Error, Result};
use crate::sys::per_process::PerProcess;

static CLAIMED: PerProcess<Mutex<Claimed>> = PerProcess::new();

/// The targets that are claimed.
#[derive(Default)]
struct Claimed {
    next_number: u64,
    /// Of each target the claim that is held, and after it those that wait. No line is empty.
    lines: HashMap<TargetId, VecDeque<Claimant>>,
}

struct Claimant {
    number: u64,
    /// Called when the claim is held; `None` if it is.
    when_held: Option<WhenHeld>,
}

type WhenHeld = Box<dyn FnOnce() + Send>;

/// A file, by the identity of its directory, which several paths may lead to, and its name there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct TargetId {
    device: u64,
    directory: u64,
    name: OsString,
}

impl TargetId {
    fn of(paths: &Paths) -> Result<Self> {
        let directory = paths.target.parent().unwrap_or(Path::new("/"));
        let found = fs::metadata(directory)
            .map_err(|error| Error::io("read the metadata of", directory, &error))?;
        let name = paths.target.file_name().unwrap_or_default().to_owned();
        Ok(TargetId { device: found.dev(), directory: found.ino(), name })
    }
}

/// The right of one download to a target, or its place in the line for it, until it is dropped.
#[derive(Debug)]
pub struct TargetClaim {
    target: TargetId,
    number: u64,
}

impl TargetClaim {
    /// Claims the target; `Busy` if a download of this process has it.
    pub fn new(paths: &Paths) -> Result<Self> {
        let target = TargetId::of(paths)?;
        let mut claimed = CLAIMED.get().lock();
        match claimed.lines.contains_key(&target) {
            true => Err(Error::busy(&paths.target)),
            false => Ok(claimed.add(target, None)),
        }
    }

    /// Claims the target when all earlier claims of it are dropped: `when_held` is called then, on the thread that drops
    /// the last one; not if the claim is held at once.
    pub fn in_line(paths: &Paths, when_held: impl FnOnce() + Send + 'static) -> Result<Self> {
        let target = TargetId::of(paths)?;
        Ok(CLAIMED.get().lock().add(target, Some(Box::new(when_held))))
    }

    /// Whether the download may use the target.
    pub fn is_held(&self) -> bool {
        let claimed = CLAIMED.get().lock();
        let first = claimed.lines.get(&self.target).and_then(VecDeque::front);
        first.is_some_and(|first| first.number == self.number)
    }
}

impl Claimed {
    fn add(&mut self, target: TargetId, when_held: Option<WhenHeld>) -> TargetClaim {
        let number = self.next_number;
        self.next_number += 1;
        let line = self.lines.entry(target.clone()).or_default();
        let when_held = when_held.filter(|_| !line.is_empty());
        line.push_back(Claimant { number, when_held });
        TargetClaim { target, number }
    }

    /// Removes a claim, and returns it; what is to be called, if another one is held now; neither is to be dropped or
    /// called under the lock.
    fn remove(&mut self, claim: &TargetClaim) -> (Option<Claimant>, Option<WhenHeld>) {
        let Some(line) = self.lines.get_mut(&claim.target) else { return (None, None) };
        let index = line.iter().position(|claimant| claimant.number == claim.number);
        let removed = index.and_then(|index| line.remove(index));
        let next = line.front_mut().and_then(|first| first.when_held.take());
        if line.is_empty() {
            self.lines.remove(&claim.target);
        }
        if self.lines.is_empty() {
            // Nothing is left at the end of a process whose downloads have ended.
            self.lines.shrink_to_fit();
        }
        (removed, next)
    }
}

impl Drop for TargetClaim {
    fn drop(&mut self) {
        let (removed, next) = CLAIMED.get().lock().remove(self);
        drop(removed);
        if let Some(when_held) = next {
            when_held();
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

    #[test]
    fn claims_in_line_are_held_in_their_order_and_one_that_leaves_is_skipped() {
        let dir = tempfile::tempdir().expect("directory");
        let request = DownloadRequest::new("bucket", "key").file_path(dir.path().join("file"));
        let paths = paths::resolve(&request).expect("paths");
        let (told, held) = std::sync::mpsc::channel();
        let in_line = |number: u32| {
            let told = told.clone();
            TargetClaim::in_line(&paths, move || told.send(number).expect("received"))
        };
        let claims: Vec<_> = (0..4).map(|number| in_line(number).expect("claim")).collect();
        let [first, second, third, fourth] = <[_; 4]>::try_from(claims).expect("four");
        assert!(first.is_held() && !second.is_held());
        TargetClaim::new(&paths).expect_err("claimed");
        drop(third);
        drop(first);
        assert!(second.is_held() && !fourth.is_held());
        drop(second);
        assert!(fourth.is_held());
        drop(fourth);
        assert_eq!(held.try_iter().collect::<Vec<_>>(), [1, 3], "the first one is held at once");
        TargetClaim::new(&paths).expect("free");
    }
}
