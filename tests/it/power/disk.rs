//! A model of a disk: flushed data is there after a power loss, everything else may be there completely or in part.
//!
//! A flushed file keeps its bytes and its length, a flushed directory its names. Of unflushed data:
//!
//! * A write is there, is not, or is in any of its sectors of 512 bytes. A sector is never half old and half new.
//! * A name leads to its file before or after a change of it, and always to one of the two.
//! * The rest depends on the [`Order`].

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::content::{Change, Content};
use super::recording::{Event, FileId};
use crate::effort::Chance;

/// Files by name, below the watched directory.
pub type Files = BTreeMap<String, Vec<u8>>;
type Names = BTreeMap<String, FileId>;

/// The order in which a disk stores unflushed changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Changes of names reach the disk in the order in which they were made, each as a whole, as do changes of one
    /// file's length. A flush of a new or renamed file includes the changes of its name. A lengthened file reads as
    /// zeros. A file system with a journal and `data=ordered`, such as ext4.
    Journaled,
    /// Any change without any other: each name separately, even the two names of a rename; any length that the file had
    /// since its last flush; zeros or old data of other files where a file was lengthened. Only the directory's flush
    /// stores names. Stricter than any file system in use.
    Any,
}

#[derive(Clone)]
pub struct Disk {
    order: Order,
    files: BTreeMap<FileId, Content>,
    durable: Names,
    /// Changes of names, each of one or two.
    pending: Vec<Vec<(String, Option<FileId>)>>,
    /// Old data that may be in blocks that were allocated to a file and not written.
    stale: Vec<Rc<[u8]>>,
}

/// One way to lose the power.
pub struct Crash {
    names: Names,
    /// The choices for each file's changes.
    picks: BTreeMap<FileId, Vec<u64>>,
}

impl Disk {
    /// A disk with flushed files.
    pub fn new(order: Order, files: &[(String, FileId, Vec<u8>)]) -> Self {
        let mut stale: Vec<Rc<[u8]>> = vec![vec![0xA5; 1 << 21].into()];
        stale.extend(files.iter().map(|(_, _, bytes)| Rc::from(&bytes[..])));
        Disk {
            order,
            files: files.iter().map(|(_, id, bytes)| (*id, Content::of(bytes.clone()))).collect(),
            durable: files.iter().map(|(name, id, _)| (name.clone(), *id)).collect(),
            pending: Vec::new(),
            stale,
        }
    }

    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Create { file, name } => {
                self.files.insert(*file, Content::default());
                self.pending.push(vec![(name.clone(), Some(*file))]);
            }
            Event::Write { file, offset, bytes } => {
                self.change(*file, Change::Write { offset: *offset, bytes: bytes.0.clone() });
            }
            Event::Length { file, len } => self.change(*file, Change::Length(*len)),
            Event::Allocate { file, end } => self.change(*file, Change::Allocate(*end)),
            Event::Rename { from, to } => {
                let file = self.names()[from];
                self.pending.push(vec![(to.clone(), Some(file)), (from.clone(), None)]);
            }
            Event::Link { from, to } => {
                let file = self.names()[from];
                self.pending.push(vec![(to.clone(), Some(file))]);
            }
            Event::Unlink { name } => self.pending.push(vec![(name.clone(), None)]),
            Event::Flush { file } => self.flush(*file),
            Event::FlushDirectory { directory } => self.flush_directory(directory),
            Event::Report => {}
        }
    }

    fn change(&mut self, file: FileId, change: Change) {
        self.files.get_mut(&file).expect("a known file").change(change);
    }

    fn flush(&mut self, file: FileId) {
        self.files.get_mut(&file).expect("a known file").flush();
        if self.order == Order::Journaled {
            self.commit(|(_, to)| *to == Some(file));
        }
    }

    fn flush_directory(&mut self, directory: &str) {
        let is_in =
            |name: &str| name.rsplit_once('/').map_or("", |(parent, _)| parent) == directory;
        match self.order {
            Order::Journaled => self.commit(|(name, _)| is_in(name)),
            Order::Any => {
                for change in &mut self.pending {
                    for (name, to) in change.extract_if(.., |(name, _)| is_in(name)) {
                        set(&mut self.durable, &name, to);
                    }
                }
            }
        }
    }

    /// Writes the journal up to the last change that must be in it.
    fn commit(&mut self, has_to_be: impl Fn(&(String, Option<FileId>)) -> bool) {
        let last = self.pending.iter().rposition(|change| change.iter().any(&has_to_be));
        for (name, to) in self.pending.drain(..last.map_or(0, |last| last + 1)).flatten() {
            set(&mut self.durable, &name, to);
        }
    }

    fn names(&self) -> Names {
        let mut names = self.durable.clone();
        for (name, to) in self.pending.iter().flatten() {
            set(&mut names, name, *to);
        }
        names
    }

    /// The files that a program sees.
    pub fn now(&self) -> Files {
        let names = self.names().into_iter();
        names.map(|(name, file)| (name, self.files[&file].now())).collect()
    }

    /// The files after a power loss.
    pub fn after(&self, crash: &Crash) -> Files {
        let bytes = |file| {
            let picks = crash.picks.get(file).map_or(&[][..], Vec::as_slice);
            self.files[file].after(self.order, picks, &self.stale)
        };
        crash.names.iter().map(|(name, file)| (name.clone(), bytes(file))).collect()
    }

    /// Every way to lose the power now, with a write torn at one point only; `None` if there are more than `limit`.
    pub fn every_crash(&self, limit: u64) -> Option<Vec<Crash>> {
        let mut crashes = Vec::new();
        for names in self.every_naming(limit)? {
            let files: BTreeSet<FileId> = names.values().copied().collect();
            let mut combined = vec![BTreeMap::new()];
            for file in files {
                let choices = self.files[&file].choices(self.order, self.stale.len());
                let total = choices.iter().try_fold(1u64, |total, &n| total.checked_mul(n))?;
                let left = limit.saturating_sub(crashes.len() as u64);
                if total.checked_mul(combined.len() as u64)? > left {
                    return None;
                }
                combined = (0..total)
                    .flat_map(|n| {
                        let picks = digits(n, &choices);
                        combined.iter().map(move |of_others: &BTreeMap<_, _>| {
                            let mut all = of_others.clone();
                            all.insert(file, picks.clone());
                            all
                        })
                    })
                    .collect();
            }
            let crash = |picks| Crash { names: names.clone(), picks };
            crashes.extend(combined.into_iter().map(crash));
        }
        Some(crashes)
    }

    /// A random way to lose the power now.
    pub fn some_crash(&self, chance: &mut Chance) -> Crash {
        let names = self.naming(&mut |ways| chance.below(ways));
        let files: BTreeSet<FileId> = names.values().copied().collect();
        let mut pick = |usual: u64| match chance.below(4) {
            few @ 0..=2 if usual > 1 => few,
            0 | 3 => chance.next(),
            _ => usual,
        };
        let mut picks = BTreeMap::new();
        for file in files {
            // Of most files nearly nothing or nearly everything is there.
            let usual = pick(2) % 3;
            let choices = self.files[&file].choices(self.order, self.stale.len());
            picks.insert(file, choices.iter().map(|_| pick(usual)).collect());
        }
        Crash { picks, names }
    }

    /// Every possible state of the names; `None` if there are more than `limit` ways to get there.
    fn every_naming(&self, limit: u64) -> Option<BTreeSet<Names>> {
        let mut ways = Vec::new();
        self.naming(&mut |n| {
            ways.push(n);
            0
        });
        let total = ways.iter().try_fold(1u64, |total, &n| total.checked_mul(n))?;
        let naming = |n| {
            let mut picks = digits(n, &ways).into_iter();
            self.naming(&mut |_| picks.next().expect("a pick of each choice"))
        };
        (total <= limit).then(|| (0..total).map(naming).collect())
    }

    /// The remaining names if `pick(n)`, below n, chooses among n ways.
    fn naming(&self, pick: &mut dyn FnMut(u64) -> u64) -> Names {
        let mut names = self.durable.clone();
        if self.order == Order::Journaled {
            let kept = pick(self.pending.len() as u64 + 1) as usize;
            for (name, to) in self.pending[..kept].iter().flatten() {
                set(&mut names, name, *to);
            }
            return names;
        }
        let mut histories: BTreeMap<&str, Vec<Option<FileId>>> = BTreeMap::new();
        for (name, to) in self.pending.iter().flatten() {
            histories.entry(name).or_default().push(*to);
        }
        for (name, history) in histories {
            if let Some(last) = (pick(history.len() as u64 + 1) as usize).checked_sub(1) {
                set(&mut names, name, history[last]);
            }
        }
        names
    }
}

fn set(names: &mut Names, name: &str, to: Option<FileId>) {
    match to {
        Some(file) => names.insert(name.to_owned(), file),
        None => names.remove(name),
    };
}

/// The digits of `n` in the mixed radix `bases`.
fn digits(mut n: u64, bases: &[u64]) -> Vec<u64> {
    let digit = |base: &u64| {
        let digit = n % base;
        n /= base;
        digit
    };
    bases.iter().map(digit).collect()
}

#[cfg(test)]
mod tests;
