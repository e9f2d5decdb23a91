//! What a disk is like, what goes wrong with it while it is used, and what happens to its files between two uses.

use std::io;
use std::ops::Range;
use std::time::Duration;

use rustix::io::Errno;

use crate::model::extent::Extent;
use crate::transfer::simulation::content::Content;
use crate::transfer::simulation::random::Random;

/// A disk and its faults.
#[derive(Clone, Debug)]
pub struct DiskPlan {
    /// Whether locks and the page cache cover every process; otherwise names get a random suffix.
    pub trusted: bool,
    /// Whether the file system has locks.
    pub locks: bool,
    /// Bytes that fit on the disk; `None`: any number.
    pub capacity: Option<u64>,
    /// Duration of every call.
    pub call_time: Duration,
    /// Additional duration of every flush.
    pub flush_time: Duration,
    /// Bytes that are read or written in a second; 0: any number.
    pub bytes_per_second: u64,
    /// Whether a flush of a file also makes the names durable, as on most file systems with a journal.
    pub flush_keeps_names: bool,
    /// Probability that bytes and names that were not flushed survive a power failure.
    pub survival: f64,
    pub failures: Vec<Failure>,
    pub stalls: Vec<Stall>,
    /// The numbers of the writes, from 0 on, of which one byte is changed.
    pub corrupt_writes: Vec<u64>,
}

impl Default for DiskPlan {
    fn default() -> Self {
        DiskPlan {
            trusted: true,
            locks: true,
            capacity: None,
            call_time: Duration::ZERO,
            flush_time: Duration::ZERO,
            bytes_per_second: 0,
            flush_keeps_names: false,
            survival: 0.5,
            failures: Vec::new(),
            stalls: Vec::new(),
            corrupt_writes: Vec::new(),
        }
    }
}

/// The steps of which calls of the disk consist. Each can fail, and a process can be killed before each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// The metadata of a file or path.
    Look,
    OpenJournal,
    CreateJournal,
    WriteJournal,
    FlushJournal,
    RenameJournal,
    FlushJournalDirectory,
    AppendJournal,
    RemoveJournal,
    FindSdkRecord,
    RemoveSdkRecord,
    OpenTemp,
    CreateTemp,
    ClaimTemp,
    SetLength,
    FreeSpace,
    Reserve,
    Write,
    Read,
    StartWriteback,
    SetModified,
    Flush,
    Close,
    OpenDirectory,
    Rename,
    FlushDirectory,
    RemoveTemp,
}

impl Call {
    pub const ALL: [Call; 27] = [
        Call::Look,
        Call::OpenJournal,
        Call::CreateJournal,
        Call::WriteJournal,
        Call::FlushJournal,
        Call::RenameJournal,
        Call::FlushJournalDirectory,
        Call::AppendJournal,
        Call::RemoveJournal,
        Call::FindSdkRecord,
        Call::RemoveSdkRecord,
        Call::OpenTemp,
        Call::CreateTemp,
        Call::ClaimTemp,
        Call::SetLength,
        Call::FreeSpace,
        Call::Reserve,
        Call::Write,
        Call::Read,
        Call::StartWriteback,
        Call::SetModified,
        Call::Flush,
        Call::Close,
        Call::OpenDirectory,
        Call::Rename,
        Call::FlushDirectory,
        Call::RemoveTemp,
    ];
}

/// Calls of one kind that fail: the `nth` on this disk, counted from 0, and the following ones, `times` in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    pub call: Call,
    pub nth: u64,
    pub times: u64,
    pub reason: Reason,
}

impl Failure {
    /// A failure of one of the calls that a download of `writes` writes makes.
    pub fn draw(random: &mut Random, writes: u64) -> Self {
        let call = *random.pick(&Call::ALL);
        let calls = match call {
            Call::Write | Call::AppendJournal | Call::Read | Call::StartWriteback | Call::Look => {
                writes
            }
            _ => 3,
        };
        let reasons = [Reason::Io, Reason::Io, Reason::Full, Reason::Quota, Reason::Denied];
        Failure {
            call,
            nth: random.below(calls.max(1)),
            times: if random.chance(0.7) { 1 } else { random.range(1..5) },
            reason: *random.pick(&reasons),
        }
    }
}

/// Why a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// EIO
    Io,
    /// ENOSPC
    Full,
    /// EDQUOT
    Quota,
    /// EACCES
    Denied,
    /// EROFS
    ReadOnly,
}

impl From<Reason> for io::Error {
    fn from(reason: Reason) -> Self {
        let errno = match reason {
            Reason::Io => Errno::IO,
            Reason::Full => Errno::NOSPC,
            Reason::Quota => Errno::DQUOT,
            Reason::Denied => Errno::ACCESS,
            Reason::ReadOnly => Errno::ROFS,
        };
        errno.into()
    }
}

/// A call that takes long: the `nth` of its kind on this disk, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stall {
    pub call: Call,
    pub nth: u64,
    pub time: Duration,
}

/// What other programs and the disk do to the files, between runs or during one.
#[derive(Clone, Debug)]
pub enum Damage {
    /// Bytes of the temporary files become zeros.
    Zeros(Range<u64>),
    /// Bytes of the temporary files are replaced with those of a content at the same offsets.
    Overwritten(Content, Range<u64>),
    /// The temporary files are truncated, or extended with a hole.
    Length(u64),
    /// The temporary files are removed.
    NoTemp,
    /// Other files, of these bytes, are in the places of the temporary files.
    OtherTemp(Content, Range<u64>),
    /// Users may have the temporary files open who must not.
    Exposed,
    /// The journals are truncated to this number of bytes.
    ShortJournal(usize),
    /// A bit in this byte of the journals is flipped.
    FlippedJournal(usize),
    /// The journals end with a valid record of this extent.
    Recorded(Extent),
    /// The journals are removed.
    NoJournal,
    /// The journals are those of an object with another key.
    OtherJournal,
    /// The target is removed.
    NoTarget,
    /// Another program writes the target.
    Target(Content, Range<u64>),
}

impl Damage {
    /// Damage to a file of `len` bytes; `other` is what other programs write.
    pub fn draw(random: &mut Random, len: u64, other: Content) -> Self {
        let at = random.below(len.max(1));
        let range = at..at + random.log_range(1..len.saturating_sub(at).max(2));
        match random.below(13) {
            0 => Damage::Zeros(range),
            1 => Damage::Overwritten(other, range),
            2 => Damage::Length(random.below(2 * len + 2)),
            3 => Damage::NoTemp,
            4 => Damage::OtherTemp(other, 0..random.below(2 * len + 2)),
            5 => Damage::Exposed,
            6 => Damage::ShortJournal(random.below(1024) as usize),
            7 => Damage::FlippedJournal(random.below(1024) as usize),
            8 => {
                let len = range.end - range.start;
                Damage::Recorded(Extent { offset: range.start, len, crc: random.next() })
            }
            9 => Damage::NoJournal,
            10 => Damage::OtherJournal,
            11 => Damage::NoTarget,
            _ => Damage::Target(other, 0..random.below(2 * len + 2)),
        }
    }
}
