//! The objects of a prefix, in little memory, and which of them have no file of their own. Pure, but for the digests that
//! name the temporary files of long names.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;

use super::mapping::{self, Limits, Target, Unsafe};
use crate::model::listing::ListedObject;
use crate::storage::temp_name;

/// The suffix of all temporary files.
const TEMP: &str = ".temp";

/// An object of the plan, by its place.
pub type Index = u32;

/// The listed objects in the order of their keys' bytes, each once.
#[derive(Debug, Default)]
pub struct Plan {
    /// What all keys begin with and no path does.
    base: String,
    /// Relative keys, each followed by its ETag.
    texts: String,
    entries: Vec<Entry>,
    crcs: HashMap<u64, u64>,
    refused: HashMap<Index, Refusal>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    start: u64,
    size: u64,
    key: u32,
    /// `NONE` if there is no ETag.
    etag: u32,
}

const NONE: u32 = u32::MAX;

/// An object, as the listing shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned<'a> {
    /// The key without the base.
    pub relative: &'a str,
    pub size: u64,
    pub etag: Option<&'a str>,
    pub crc64: Option<u64>,
}

/// Why an object is not downloaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    Unsafe(Unsafe),
    /// The file system takes the path for that of this object.
    SameFile(Index),
    /// The path is a directory of this object's.
    IsDirectory(Index),
    /// The path is that of this object's temporary file.
    IsTemporary(Index),
}

impl Plan {
    /// Without objects, for a prefix.
    pub fn new(prefix: &str) -> Self {
        Plan { base: mapping::base(prefix).to_owned(), ..Plan::default() }
    }

    /// Adds an object of the listing; `false` if there are too many, or if its key does not begin with the base.
    #[must_use]
    pub fn add(&mut self, object: &ListedObject) -> bool {
        let Some(relative) = object.key.strip_prefix(&self.base) else { return false };
        let etag = object.etag.as_deref();
        let (Ok(key), Ok(etag_len)) =
            (u32::try_from(relative.len()), etag.map_or(Ok(NONE), |e| u32::try_from(e.len())))
        else {
            return false;
        };
        if self.entries.len() >= NONE as usize {
            return false;
        }
        let start = self.texts.len() as u64;
        self.texts.push_str(relative);
        self.texts.push_str(etag.unwrap_or_default());
        if let Some(crc) = object.crc64 {
            self.crcs.insert(start, crc);
        }
        self.entries.push(Entry { start, size: object.size, key, etag: etag_len });
        true
    }

    /// Sorts the objects, drops what was listed twice, and finds those without a file of their own. `folds`: the file
    /// system does not distinguish upper and lower case.
    pub fn complete(&mut self, limits: Limits, folds: bool) {
        let mut entries = std::mem::take(&mut self.entries);
        let key = |entry: &Entry| text(&self.texts, entry.start, entry.key);
        // Stable: of an object that was listed twice, the later entry comes last.
        entries.sort_by(|a, b| key(a).cmp(key(b)));
        entries.reverse();
        entries.dedup_by(|later, kept| key(later) == key(kept));
        entries.reverse();
        entries.shrink_to_fit();
        self.entries = entries;
        self.texts.shrink_to_fit();
        let mut refused = HashMap::new();
        for index in self.indexes() {
            let object = self.planned(index);
            if let Err(why) = mapping::target(object.relative, object.size, limits) {
                refused.insert(index, Refusal::Unsafe(why));
            }
        }
        self.refused = refused;
        Collisions::new(self, limits, folds).find();
    }

    pub fn len(&self) -> u64 {
        self.entries.len() as u64
    }

    /// All objects, in order.
    pub fn indexes(&self) -> impl Iterator<Item = Index> + use<> {
        0..Index::try_from(self.entries.len()).unwrap_or(NONE)
    }

    /// An object; an empty one for an index that the plan does not have.
    pub fn planned(&self, index: Index) -> Planned<'_> {
        let empty = Entry { start: 0, size: 0, key: 0, etag: NONE };
        let entry = self.entries.get(index as usize).copied().unwrap_or(empty);
        Planned {
            relative: text(&self.texts, entry.start, entry.key),
            size: entry.size,
            etag: (entry.etag != NONE)
                .then(|| text(&self.texts, entry.start + u64::from(entry.key), entry.etag)),
            crc64: self.crcs.get(&entry.start).copied(),
        }
    }

    /// The whole key of an object.
    pub fn key(&self, index: Index) -> String {
        format!("{}{}", self.base, self.planned(index).relative)
    }

    /// Why an object is not downloaded.
    pub fn refusal(&self, index: Index) -> Option<Refusal> {
        self.refused.get(&index).copied()
    }

    /// Whether an object with this key was listed.
    pub fn contains(&self, key: &str) -> bool {
        let Some(relative) = key.strip_prefix(&self.base) else { return false };
        let key = |entry: &Entry| text(&self.texts, entry.start, entry.key);
        self.entries.binary_search_by(|entry| key(entry).cmp(relative)).is_ok()
    }
}

fn text(texts: &str, start: u64, len: u32) -> &str {
    let start = usize::try_from(start).unwrap_or(usize::MAX);
    texts.get(start..start.saturating_add(len as usize)).unwrap_or_default()
}

/// The paths of a plan as the file system compares them, in order.
struct Collisions<'a> {
    plan: &'a mut Plan,
    limits: Limits,
    folds: bool,
    order: Vec<(String, Index)>,
}

impl<'a> Collisions<'a> {
    fn new(plan: &'a mut Plan, limits: Limits, folds: bool) -> Self {
        let mut order = Vec::new();
        if folds {
            let safe = plan.indexes().filter(|index| plan.refusal(*index).is_none());
            order =
                safe.map(|index| (plan.planned(index).relative.to_lowercase(), index)).collect();
            order.sort();
        }
        Collisions { plan, limits, folds, order }
    }

    fn find(mut self) {
        self.same_files();
        // Before temporary files: what is a directory has none.
        for index in self.plan.indexes() {
            if let Some(other) = self.below(index) {
                self.plan.refused.insert(index, Refusal::IsDirectory(other));
            }
        }
        self.temporary_files();
    }

    /// Without case, several keys may name one file.
    fn same_files(&mut self) {
        let mut same = Vec::new();
        for pair in self.order.windows(2) {
            let [(a, first), (b, second)] = pair else { continue };
            if a == b && !a.ends_with('/') {
                same.push((*first, Refusal::SameFile(*second)));
                same.push((*second, Refusal::SameFile(*first)));
            }
        }
        self.plan.refused.extend(same);
    }

    /// The path of an object as the file system compares it.
    fn path(&self, index: Index) -> Cow<'_, str> {
        let relative = self.plan.planned(index).relative;
        if self.folds { Cow::Owned(relative.to_lowercase()) } else { Cow::Borrowed(relative) }
    }

    /// A file of the plan, by its path as the file system compares it.
    fn file(&self, path: &str) -> Option<Index> {
        let index = self.from(path).next().filter(|(found, _)| found == path)?.1;
        self.plan.refusal(index).is_none().then_some(index)
    }

    /// The objects from `start` on, in the order of their paths.
    fn from(&self, start: &str) -> impl Iterator<Item = (Cow<'_, str>, Index)> + '_ {
        let at = if self.folds {
            self.order.partition_point(|(path, _)| path.as_str() < start)
        } else {
            let key = |entry: &Entry| text(&self.plan.texts, entry.start, entry.key);
            self.plan.entries.partition_point(|entry| key(entry) < start)
        };
        let len = if self.folds { self.order.len() } else { self.plan.entries.len() };
        (at..len).map(|at| match self.order.get(at) {
            Some((path, index)) => (Cow::Borrowed(path.as_str()), *index),
            None => {
                let index = Index::try_from(at).unwrap_or(NONE);
                (Cow::Borrowed(self.plan.planned(index).relative), index)
            }
        })
    }

    /// An object that is downloaded into the directory that the path of this file would be.
    fn below(&self, index: Index) -> Option<Index> {
        let path = self.path(index);
        if path.is_empty() || path.ends_with('/') || self.plan.refusal(index).is_some() {
            return None;
        }
        let directory = format!("{path}/");
        let mut below = self.from(&directory).take_while(|(path, _)| path.starts_with(&directory));
        let is_unsafe = |index| matches!(self.plan.refusal(index), Some(Refusal::Unsafe(_)));
        below.find(|(_, index)| !is_unsafe(*index)).map(|(_, index)| index)
    }

    /// Refuses files whose names are those of the temporary files of others.
    fn temporary_files(&mut self) {
        let mut digests = None;
        for index in self.plan.indexes() {
            let path = self.path(index);
            let Some(stem) = path.strip_suffix(TEMP) else { continue };
            let own = self.file(stem).filter(|other| self.temp_path(*other) == path);
            let other =
                own.or_else(|| digests.get_or_insert_with(|| self.digests()).get(&*path).copied());
            drop(path);
            if let Some(other) = other.filter(|other| *other != index) {
                self.plan.refused.insert(index, Refusal::IsTemporary(other));
            }
        }
    }

    /// The temporary files of names that are too long for a suffix.
    fn digests(&self) -> HashMap<String, Index> {
        let is_long = |index: &Index| {
            let path = self.plan.planned(*index).relative;
            let name = path.rsplit('/').next().unwrap_or_default();
            name.len() + TEMP.len() > self.limits.name && self.plan.refusal(*index).is_none()
        };
        let long = self.plan.indexes().filter(is_long);
        long.map(|index| (self.temp_path(index), index)).collect()
    }

    /// The path of an object's temporary file, as the file system compares it.
    fn temp_path(&self, index: Index) -> String {
        let path = self.plan.planned(index).relative;
        let (directory, name) = path.split_at(path.rfind('/').map_or(0, |slash| slash + 1));
        let temp = temp_name::fixed(OsStr::from_bytes(name.as_bytes()), self.limits.name);
        let temp = format!("{directory}{}", temp.to_string_lossy());
        if self.folds { temp.to_lowercase() } else { temp }
    }
}

impl Refusal {
    /// The code of the error.
    pub fn code(self) -> &'static str {
        match self {
            Refusal::Unsafe(_) => "UnsafeKey",
            _ => "KeyCollision",
        }
    }
}

/// What is wrong with a key, behind its name.
pub struct Explained<'a>(pub &'a Plan, pub Refusal);

impl fmt::Display for Explained<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Explained(plan, refusal) = self;
        let key = |index: &Index| plan.key(*index).escape_debug().to_string();
        match refusal {
            Refusal::Unsafe(why) => write!(f, "its path {why}"),
            Refusal::SameFile(other) => write!(
                f,
                "it would have the same file as '{}', because this file system does not distinguish upper and lower case",
                key(other)
            ),
            Refusal::IsDirectory(other) => {
                write!(f, "its path is a directory for '{}'", key(other))
            }
            Refusal::IsTemporary(other) => {
                write!(f, "its path is that of the temporary file of '{}'", key(other))
            }
        }
    }
}

/// Whether an object needs a directory only.
pub fn is_marker(relative: &str) -> bool {
    mapping::target(relative, 0, Limits { name: usize::MAX, path: usize::MAX })
        == Ok(Target::Directory)
}

#[cfg(test)]
mod tests;
