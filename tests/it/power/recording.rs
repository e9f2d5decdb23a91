//! The file operations of a program, in order, as recorded by `tests/shim/trace.c`.

use std::collections::HashMap;
use std::fmt::{self, Debug};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::OnceLock;

use crate::preload;

/// One file, whatever its names.
pub type FileId = usize;

/// Bytes that `Debug` does not print.
#[derive(Clone)]
pub struct Bytes(pub Rc<[u8]>);

impl Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// A call that succeeded. Names are relative to the watched directory.
#[derive(Clone, Debug)]
pub enum Event {
    Create {
        file: FileId,
        name: String,
    },
    Write {
        file: FileId,
        offset: usize,
        bytes: Bytes,
    },
    Length {
        file: FileId,
        len: usize,
    },
    /// Blocks were reserved up to this offset, and the file is at least that long.
    Allocate {
        file: FileId,
        end: usize,
    },
    Flush {
        file: FileId,
    },
    FlushDirectory {
        directory: String,
    },
    Rename {
        from: String,
        to: String,
    },
    Link {
        from: String,
        to: String,
    },
    Unlink {
        name: String,
    },
    /// The program printed [`REPORTED`].
    Report,
}

/// What a recorded program prints when the library has reported success.
pub const REPORTED: &str = "downloaded";

/// The recorder, for `LD_PRELOAD`.
pub fn recorder() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| preload::compiled("trace"))
}

/// Parses a recording. `files` are the existing files, by inode.
pub fn read(log: &[u8], mut files: HashMap<u64, FileId>) -> Vec<Event> {
    let mut rest = log;
    let mut known = files.len();
    let mut events = Vec::new();
    while let Some(record) = Record::read(&mut rest) {
        if record.operation == "create" {
            // The inode may have been another file's.
            files.insert(record.inode, known);
            known += 1;
        }
        events.extend(record.event(files.get(&record.inode).copied()));
    }
    events
}

struct Record<'a> {
    operation: &'a str,
    inode: u64,
    number: usize,
    name: &'a str,
    other: &'a str,
    data: &'a [u8],
}

impl<'a> Record<'a> {
    /// Removes the next record from the log.
    fn read(log: &mut &'a [u8]) -> Option<Self> {
        let end = log.iter().position(|&byte| byte == b'\n')?;
        let line = text(&log[..end]);
        *log = &log[end + 1..];
        let (operation, numbers) = line.split_once(' ').expect("an operation");
        let numbers: Vec<u64> =
            numbers.split(' ').map(|number| number.parse().expect("a number")).collect();
        let [inode, number, name, other, data] = numbers[..] else {
            panic!("'{line}' is no record");
        };
        let mut take = |len: u64| {
            let (taken, rest) = log.split_at(len as usize);
            *log = rest;
            taken
        };
        Some(Record {
            operation,
            inode,
            number: number as usize,
            name: text(take(name)),
            other: text(take(other)),
            data: take(data),
        })
    }

    /// The record's event; `None` for operations that neither change nor flush anything.
    fn event(&self, file: Option<FileId>) -> Option<Event> {
        let known = || file.unwrap_or_else(|| panic!("'{}' was never opened", self.name));
        let name = self.name.to_owned();
        Some(match self.operation {
            "create" => Event::Create { file: known(), name },
            "write" => Event::Write {
                file: known(),
                offset: self.number,
                bytes: Bytes(Rc::from(self.data)),
            },
            "length" => Event::Length { file: known(), len: self.number },
            "allocate" => Event::Allocate { file: known(), end: self.number },
            "flush" => match file {
                Some(file) => Event::Flush { file },
                None => Event::FlushDirectory { directory: name },
            },
            "rename" => Event::Rename { from: name, to: self.other.to_owned() },
            "link" => Event::Link { from: name, to: self.other.to_owned() },
            "unlink" => Event::Unlink { name },
            "say" => return text(self.data).contains(REPORTED).then_some(Event::Report),
            // It starts writing and waits for nothing.
            "writeback" => return None,
            other => panic!("'{other}' is no operation"),
        })
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}
