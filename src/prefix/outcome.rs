//! The result of a prefix download: what became of each object.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::plan::{Index, Plan, is_marker};
use crate::model::error::Error;
use crate::model::prefix::PrefixCounts;

/// The result of a prefix download that has not failed as a whole. Its objects may have failed: see
/// [`PrefixOutcome::is_complete`] and [`PrefixOutcome::failures`]. Cheap to clone.
#[derive(Clone)]
#[must_use = "objects may have failed"]
pub struct PrefixOutcome {
    table: Arc<Table>,
}

struct Table {
    directory: PathBuf,
    plan: Plan,
    ends: Ends,
    counts: PrefixCounts,
}

/// What became of the objects of a plan, by their places.
#[derive(Debug, Default)]
pub struct Ends {
    ends: Vec<End>,
    failures: HashMap<Index, Error>,
}

#[derive(Clone, Copy, Debug)]
struct End {
    size: u64,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Fetched,
    Unchanged,
    Directory,
    Failed,
}

/// One object of a prefix download, and what became of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PrefixObject<'a> {
    /// The whole key.
    pub key: String,
    /// The file, or the directory of a marker; `None` if the object failed because of its key.
    pub path: Option<PathBuf>,
    /// Size of the file in bytes; 0 for a directory. Of an object that has failed, that of the listing.
    pub size: u64,
    /// What became of it.
    pub result: ObjectResult<'a>,
}

/// What became of an object.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum ObjectResult<'a> {
    /// It was fetched, whole or, if an earlier run had left something of it, in part. The file is complete and verified.
    Fetched,
    /// The file was there and is unchanged; nothing was fetched.
    Unchanged,
    /// It is a directory marker; the directory is there.
    Directory,
    /// It could not be downloaded. A file that was there before is as it was.
    Failed(&'a Error),
}

impl Ends {
    /// Room for so many objects.
    pub fn new(count: u64) -> Self {
        let none = End { size: 0, kind: Kind::Failed };
        let count = usize::try_from(count).unwrap_or_default();
        Ends { ends: vec![none; count], failures: HashMap::new() }
    }

    pub fn fetched(&mut self, index: Index, size: u64) {
        self.set(index, size, Kind::Fetched);
    }

    pub fn unchanged(&mut self, index: Index, size: u64) {
        self.set(index, size, Kind::Unchanged);
    }

    pub fn directory(&mut self, index: Index) {
        self.set(index, 0, Kind::Directory);
    }

    pub fn failed(&mut self, index: Index, size: u64, error: Error) {
        self.set(index, size, Kind::Failed);
        self.failures.insert(index, error);
    }

    fn set(&mut self, index: Index, size: u64, kind: Kind) {
        if let Some(end) = self.ends.get_mut(index as usize) {
            *end = End { size, kind };
        }
    }

    pub fn has_failures(&self) -> bool {
        !self.failures.is_empty()
    }
}

impl PrefixOutcome {
    pub(super) fn new(directory: PathBuf, plan: Plan, ends: Ends, counts: PrefixCounts) -> Self {
        PrefixOutcome { table: Arc::new(Table { directory, plan, ends, counts }) }
    }

    /// The directory, as an absolute path without symbolic links.
    pub fn directory(&self) -> &Path {
        &self.table.directory
    }

    /// How many objects were fetched, found unchanged, and failed.
    pub fn counts(&self) -> PrefixCounts {
        self.table.counts
    }

    /// Whether every object is there: none has failed.
    pub fn is_complete(&self) -> bool {
        !self.table.ends.has_failures()
    }

    /// The number of objects, directory markers included.
    pub fn len(&self) -> u64 {
        self.table.plan.len()
    }

    /// Whether nothing was listed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// An object by its place in the order of the keys' bytes, from 0; `None` behind the last one.
    pub fn object(&self, index: u64) -> Option<PrefixObject<'_>> {
        let index = Index::try_from(index).ok().filter(|index| u64::from(*index) < self.len())?;
        let table = &self.table;
        let end = table.ends.ends.get(index as usize)?;
        let relative = table.plan.planned(index).relative;
        let path = || match is_marker(relative) {
            true => table.directory.join(relative.trim_end_matches('/')),
            false => table.directory.join(relative),
        };
        let result = match end.kind {
            Kind::Fetched => ObjectResult::Fetched,
            Kind::Unchanged => ObjectResult::Unchanged,
            Kind::Directory => ObjectResult::Directory,
            Kind::Failed => ObjectResult::Failed(table.ends.failures.get(&index)?),
        };
        Some(PrefixObject {
            key: table.plan.key(index),
            path: table.plan.refusal(index).is_none().then(path),
            size: end.size,
            result,
        })
    }

    /// All objects in the order of their keys' bytes.
    pub fn objects(&self) -> impl Iterator<Item = PrefixObject<'_>> {
        (0..self.len()).filter_map(|index| self.object(index))
    }

    /// The objects that could not be downloaded, in the order of their keys' bytes.
    pub fn failures(&self) -> impl Iterator<Item = (PrefixObject<'_>, &Error)> {
        let mut failed: Vec<_> = self.table.ends.failures.keys().copied().collect();
        failed.sort_unstable();
        failed.into_iter().filter_map(|index| {
            let error = self.table.ends.failures.get(&index)?;
            Some((self.object(index.into())?, error))
        })
    }
}

impl fmt::Debug for PrefixOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrefixOutcome")
            .field("directory", &self.table.directory)
            .field("counts", &self.table.counts)
            .finish_non_exhaustive()
    }
}
