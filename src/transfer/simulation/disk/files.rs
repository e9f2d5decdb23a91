//! The files of a disk and their names: what programs see, and what a power failure would leave of it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::checkpoint::sdk_record::SdkRecord;
use crate::transfer::simulation::content::Piece;
use crate::transfer::simulation::random::Random;

use super::ProcessId;
use super::contents::Contents;

/// Bytes that survive a power failure together, or not.
const CHUNK: Range<u64> = 4096..4 << 20;

/// The number of a file.
pub type Inode = usize;

/// Whether this is the name of a temporary file.
pub fn is_temp(name: &OsStr) -> bool {
    name.as_encoded_bytes().ends_with(b".temp")
}

/// All files that there have ever been, and the names of some.
#[derive(Default)]
pub struct Files {
    files: Vec<File>,
    names: BTreeMap<OsString, Inode>,
    durable_names: BTreeMap<OsString, Inode>,
    /// Changes of names that are not durable, in order.
    changes: Vec<NameChange>,
}

/// One file.
pub struct File {
    pub data: Data,
    pub lock: Option<Lock>,
}

/// Who has locked a file: a process, and a number that no other lock has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lock {
    pub process: ProcessId,
    pub number: u64,
}

/// What a file contains.
pub enum Data {
    /// A temporary file or target.
    Bytes(ByteFile),
    Journal(JournalBytes),
    /// The C++ SDK's record; `None`: one that cannot be used.
    SdkRecord(Option<SdkRecord>),
}

/// A file of symbolic bytes.
#[derive(Default)]
pub struct ByteFile {
    pub current: Contents,
    /// What is on the disk for certain.
    durable: Contents,
    /// Where the two may differ, and a flush makes them equal.
    dirty: Vec<Range<u64>>,
    /// Blocks are reserved up to here.
    pub reserved: u64,
    /// Users may have it open who must not.
    pub exposed: bool,
}

/// A journal, in real bytes.
#[derive(Default)]
pub struct JournalBytes {
    pub bytes: Vec<u8>,
    /// The number of bytes that are on the disk for certain.
    pub durable: usize,
}

#[derive(Clone)]
enum NameChange {
    Link(OsString, Inode),
    Rename(OsString, OsString),
    Unlink(OsString),
}

impl NameChange {
    fn directory(&self) -> Option<&Path> {
        let (NameChange::Link(name, _) | NameChange::Rename(name, _) | NameChange::Unlink(name)) =
            self;
        Path::new(name).parent()
    }

    fn apply(self, names: &mut BTreeMap<OsString, Inode>) {
        match self {
            NameChange::Link(name, inode) => {
                names.insert(name, inode);
            }
            NameChange::Rename(from, to) => {
                if let Some(inode) = names.remove(&from) {
                    names.insert(to, inode);
                }
            }
            NameChange::Unlink(name) => {
                names.remove(&name);
            }
        }
    }
}

impl Files {
    pub fn find(&self, path: &OsStr) -> Option<Inode> {
        self.names.get(path).copied()
    }

    pub fn file(&self, inode: Inode) -> &File {
        &self.files[inode]
    }

    pub fn file_mut(&mut self, inode: Inode) -> &mut File {
        &mut self.files[inode]
    }

    /// The bytes of a temporary file or target.
    pub fn bytes(&self, inode: Inode) -> &ByteFile {
        match &self.files[inode].data {
            Data::Bytes(file) => file,
            _ => panic!("file {inode} is not one of bytes"),
        }
    }

    pub fn bytes_mut(&mut self, inode: Inode) -> &mut ByteFile {
        match &mut self.files[inode].data {
            Data::Bytes(file) => file,
            _ => panic!("file {inode} is not one of bytes"),
        }
    }

    pub fn journal(&self, inode: Inode) -> Option<&JournalBytes> {
        match &self.files[inode].data {
            Data::Journal(journal) => Some(journal),
            _ => None,
        }
    }

    pub fn journal_mut(&mut self, inode: Inode) -> Option<&mut JournalBytes> {
        match &mut self.files[inode].data {
            Data::Journal(journal) => Some(journal),
            _ => None,
        }
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = (&OsStr, Inode)> {
        self.names.iter().map(|(name, &inode)| (name.as_os_str(), inode))
    }

    /// Creates a file in place of the one that has its name.
    pub fn create(&mut self, path: &OsStr, data: Data) -> Inode {
        let inode = self.files.len();
        self.files.push(File { data, lock: None });
        self.change(NameChange::Link(path.to_owned(), inode));
        inode
    }

    pub fn rename(&mut self, from: &OsStr, to: &OsStr) {
        self.change(NameChange::Rename(from.to_owned(), to.to_owned()));
    }

    pub fn unlink(&mut self, path: &OsStr) {
        self.change(NameChange::Unlink(path.to_owned()));
    }

    fn change(&mut self, change: NameChange) {
        change.clone().apply(&mut self.names);
        self.changes.push(change);
    }

    /// Makes the names in `directory` durable; `None`: all names.
    pub fn flush_names(&mut self, directory: Option<&Path>) {
        let is_flushed =
            |change: &NameChange| directory.is_none() || change.directory() == directory;
        for change in std::mem::take(&mut self.changes) {
            if is_flushed(&change) {
                change.apply(&mut self.durable_names);
            } else {
                self.changes.push(change);
            }
        }
    }

    /// Puts a durable file in place of the one that has its name.
    pub fn put(&mut self, path: &OsStr, mut data: Data) {
        if let Data::Bytes(bytes) = &mut data {
            bytes.flush();
        }
        // Earlier changes of the name must not follow this one.
        self.flush_names(None);
        let link = NameChange::Link(path.to_owned(), self.files.len());
        self.files.push(File { data, lock: None });
        link.clone().apply(&mut self.names);
        link.apply(&mut self.durable_names);
    }

    /// Releases the locks of a process.
    pub fn unlock_all(&mut self, process: ProcessId) {
        for file in &mut self.files {
            file.lock = file.lock.filter(|lock| lock.process != process);
        }
    }

    /// Disk blocks in use, in bytes.
    pub fn used(&self) -> u64 {
        let mut inodes: Vec<Inode> = self.names.values().copied().collect();
        // A file without a name has its blocks while it is open.
        inodes.extend((0..self.files.len()).filter(|&inode| self.files[inode].lock.is_some()));
        inodes.sort_unstable();
        inodes.dedup();
        let used = |inode: Inode| match &self.files[inode].data {
            Data::Bytes(bytes) => bytes.allocated(),
            Data::Journal(journal) => journal.bytes.len() as u64,
            Data::SdkRecord(_) => 0,
        };
        inodes.into_iter().map(used).sum()
    }

    /// Forgets what is not durable, unless it survives by chance: bytes independently of each other, and the first of a
    /// directory's changes.
    pub fn lose_power(&mut self, random: &mut Random, survival: f64) {
        let mut lost: Vec<Option<PathBuf>> = Vec::new();
        for change in std::mem::take(&mut self.changes) {
            let directory = change.directory().map(Path::to_owned);
            if !lost.contains(&directory) && random.chance(survival) {
                change.apply(&mut self.durable_names);
            } else {
                lost.push(directory);
            }
        }
        self.names.clone_from(&self.durable_names);
        for file in &mut self.files {
            file.lock = None;
            match &mut file.data {
                Data::Bytes(bytes) => bytes.lose_power(random, survival),
                Data::Journal(journal) => journal.lose_power(random, survival),
                Data::SdkRecord(_) => {}
            }
        }
    }
}

impl ByteFile {
    pub fn write(&mut self, at: u64, pieces: &[Piece]) {
        let len: u64 = pieces.iter().map(|piece| piece.len).sum();
        self.current.write(at, pieces);
        self.mark_dirty(at..at + len);
    }

    pub fn set_len(&mut self, len: u64) {
        let before = self.current.len();
        self.current.set_len(len);
        self.reserved = self.reserved.min(len);
        self.mark_dirty(len..before);
    }

    fn mark_dirty(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        // A few connections write one behind the other.
        match self.dirty.iter_mut().rev().take(16).find(|dirty| dirty.end == range.start) {
            Some(dirty) => dirty.end = range.end,
            None => self.dirty.push(range),
        }
    }

    /// Disk blocks of the file, in bytes.
    pub fn allocated(&self) -> u64 {
        self.reserved + self.current.written(self.reserved..u64::MAX)
    }

    /// Bytes in `range` that have no disk blocks.
    pub fn missing(&self, range: Range<u64>) -> u64 {
        let start = range.start.max(self.reserved).min(range.end);
        range.end - start - self.current.written(start..range.end)
    }

    pub fn flush(&mut self) {
        self.durable.set_len(self.current.len());
        for range in self.dirty.drain(..) {
            self.durable.copy(&self.current, range);
        }
    }

    /// A flush fails: the bytes are never written to the disk. They may also be dropped from the page cache.
    pub fn fail_flush(&mut self, random: &mut Random) {
        let dropped = random.chance(0.5);
        for range in self.dirty.drain(..).filter(|_| dropped) {
            self.current.copy(&self.durable, range);
        }
    }

    /// What is in the page cache and not to be written any more is dropped from it.
    pub fn drop_cache(&mut self) {
        let mut dirty = self.dirty.clone();
        dirty.sort_by_key(|range| range.start);
        let mut at = 0;
        for range in dirty {
            self.current.copy(&self.durable, at..range.start.max(at));
            at = at.max(range.end);
        }
        self.current.copy(&self.durable, at..u64::MAX);
    }

    fn lose_power(&mut self, random: &mut Random, survival: f64) {
        let len = if random.chance(survival) { self.current.len() } else { self.durable.len() };
        self.durable.set_len(self.current.len().max(self.durable.len()));
        for Range { start, end } in self.dirty.drain(..) {
            let mut at = start;
            while at < end {
                let next = at.saturating_add(random.log_range(CHUNK)).min(end);
                if random.chance(survival) {
                    self.durable.copy(&self.current, at..next);
                }
                at = next;
            }
        }
        self.durable.set_len(len);
        self.current.clone_from(&self.durable);
        self.reserved = self.reserved.min(len);
    }
}

impl JournalBytes {
    fn lose_power(&mut self, random: &mut Random, survival: f64) {
        let durable = self.durable.min(self.bytes.len());
        let end = self.bytes.len();
        let kept = match random.chance(survival) {
            true => end,
            false => random.range(durable as u64..end as u64 + 1) as usize,
        };
        self.bytes.truncate(kept);
        // Sectors that were not written are zeros.
        for sector in self.bytes[durable..].chunks_mut(512) {
            if !random.chance(survival) {
                sector.fill(0);
            }
        }
        self.durable = self.bytes.len();
    }
}
