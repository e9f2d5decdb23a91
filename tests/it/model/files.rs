//! The files of a case: they are read, damaged and restored between runs.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::plan::Damage;
use crate::traffic::{merged, total};

/// Size of a record in the journal, in bytes.
const RECORD: usize = 32;
/// The length field in the journal's header.
const HEADER_LEN: Range<usize> = 12..16;

/// The files in some directories, with their content.
pub type Files = BTreeMap<PathBuf, Vec<u8>>;

/// Reads all files below `directory`. A file that is removed meanwhile is left out.
pub fn read_all(directory: &Path) -> Files {
    let mut files = Files::new();
    for entry in fs::read_dir(directory).expect("list") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            files.extend(read_all(&path));
        } else if let Ok(bytes) = fs::read(&path) {
            files.insert(path, bytes);
        }
    }
    files
}

/// The files that a SIGKILL at this moment would leave: two equal readings, one after the other. Files only grow or are
/// renamed, so between the readings they were unchanged.
pub fn at_one_moment(directory: &Path) -> Files {
    let mut last = read_all(directory);
    loop {
        let now = read_all(directory);
        if now == last {
            return now;
        }
        last = now;
    }
}

/// Makes these the only files below `directory`.
pub fn put_back(directory: &Path, files: &Files) {
    for path in read_all(directory).into_keys().filter(|path| !files.contains_key(path)) {
        fs::remove_file(path).expect("remove");
    }
    for (path, bytes) in files {
        fs::write(path, bytes).expect("write");
    }
}

/// The temporary file and the journal of a case, if they exist.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    pub temp: Option<Vec<u8>>,
    pub journal: Option<Vec<u8>>,
}

impl Leftovers {
    /// Applies the damage; `before` are the files of an earlier run.
    pub fn damaged(mut self, damage: Damage, before: &Leftovers) -> Leftovers {
        let temp = self.temp.as_mut().filter(|temp| !temp.is_empty());
        let journal = self.journal.as_mut().filter(|journal| !journal.is_empty());
        match (damage, temp, journal) {
            (Damage::TempCut(at), Some(temp), _) => temp.truncate(place(at, temp.len())),
            (Damage::TempLengthened(more), Some(temp), _) => {
                temp.resize(temp.len() + more as usize, 0xA5);
            }
            (Damage::TempFlipped(at), Some(temp), _) => {
                let at = place(at, temp.len());
                temp[at] ^= 0x10;
            }
            (Damage::TempZeroed(from, to), Some(temp), _) => {
                let (from, to) = (place(from, temp.len()), place(to, temp.len()));
                temp[from..=to].fill(0);
            }
            (Damage::TempDeleted, ..) => self.temp = None,
            (Damage::JournalCut(at), _, Some(journal)) => {
                journal.truncate(place(at, journal.len()));
            }
            (Damage::JournalFlipped(at, bit), _, Some(journal)) => {
                let at = place(at, journal.len());
                journal[at] ^= 1 << bit;
            }
            (Damage::RecordFlipped(at, bit), _, Some(journal)) => {
                let start = header_len(journal).min(journal.len());
                if let Some(records) = journal.get_mut(start..).filter(|r| !r.is_empty()) {
                    let at = place(at, records.len());
                    records[at] ^= 1 << bit;
                }
            }
            (Damage::JournalDeleted, ..) => self.journal = None,
            (Damage::JournalOfBefore, ..) => {
                self.journal = before.journal.clone().or(self.journal);
            }
            (Damage::RecordsOfBefore, _, Some(journal)) => {
                let others = before.journal.as_deref().unwrap_or_default();
                let records = others.get(header_len(others)..).unwrap_or_default();
                journal.truncate(header_len(journal));
                journal.extend(records);
            }
            _ => {}
        }
        self
    }

    /// Whether both have the same journal, though maybe not the same records in it.
    pub fn has_header_of(&self, other: &Leftovers) -> bool {
        let header = |of: &Leftovers| {
            let journal = of.journal.as_deref()?;
            journal.get(..header_len(journal)).map(<[u8]>::to_vec)
        };
        header(self).is_some() && header(self) == header(other)
    }

    /// Bytes that may be reused after `self` became `now`: those of the records before the first changed one whose
    /// bytes in the file did not change. `start` is the download's first byte.
    pub fn sound(&self, now: &Leftovers, start: u64) -> u64 {
        let (old, new) = (self.journal.as_deref(), now.journal.as_deref());
        let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
        let header = header_len(old);
        let same = old.iter().zip(new).take_while(|(a, b)| a == b).count();
        if same < header || header == 0 {
            return 0;
        }
        let untouched = |range: &Range<u64>| {
            let place = (range.start - start) as usize..(range.end - start) as usize;
            let at = |file: &Leftovers| file.temp.as_ref()?.get(place.clone()).map(<[u8]>::to_vec);
            at(self).is_some() && at(self) == at(now)
        };
        let records = old[header..same].chunks_exact(RECORD).map(extent);
        total(&merged(records.filter(untouched)))
    }
}

/// An offset in a file of `len` bytes, which is not empty.
fn place(part: u16, len: usize) -> usize {
    usize::from(part) * len / 65_536
}

fn header_len(journal: &[u8]) -> usize {
    let bytes = journal.get(HEADER_LEN).and_then(|bytes| bytes.try_into().ok());
    bytes.map_or(0, |bytes| u32::from_le_bytes(bytes) as usize)
}

/// The bytes of the object that a record covers.
fn extent(record: &[u8]) -> Range<u64> {
    let number = |at| u64::from_le_bytes(record[at..at + 8].try_into().expect("8 bytes"));
    number(0)..number(0) + number(8)
}
