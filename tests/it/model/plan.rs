//! What one case does: an object, a request, and runs with what goes wrong in each. `Debug` prints it as source text,
//! to be pasted into a test.

use serde::{Deserialize, Serialize};

use crate::fixture::{MIB, PART};

/// One case.
#[derive(Clone, Debug)]
pub struct Plan {
    pub object: ObjectPlan,
    pub request: RequestPlan,
    /// The target holds another file before the first run.
    pub old_target: bool,
    /// The C++ SDK was stopped in the middle of this download.
    pub sdk: Option<SdkPlan>,
    /// One after the other. A last one without faults follows.
    pub runs: Vec<RunPlan>,
}

/// The object, and what the service says about it.
#[derive(Clone, Copy, Debug)]
pub struct ObjectPlan {
    pub size: u64,
    /// From this byte on as many as these are zeros: a hole in the file looks the same.
    pub zeros: (u64, u64),
    pub sends_crc: bool,
    pub sends_etag: bool,
}

/// The request, the same in all runs.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct RequestPlan {
    pub part_size: u64,
    pub thread_num: u32,
    pub range: Option<(i64, i64)>,
    pub checkpoint: CheckpointPlan,
    pub condition: Condition,
    pub verify_crc: bool,
    pub flush: bool,
    pub replaces: bool,
    pub verify_before_rename: bool,
    pub preallocate: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CheckpointPlan {
    Off,
    BesideTarget,
    Elsewhere,
}

/// Conditions on the object's ETag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Condition {
    None,
    /// If-Match of the object that is there at first.
    IfFirst,
    /// If-Match of an object that never was.
    IfAnother,
    /// If-None-Match of the object that is there at first.
    IfNotFirst,
}

/// What the SDK left.
#[derive(Clone, Copy, Debug)]
pub struct SdkPlan {
    /// Every so many parts one is missing.
    pub every: u64,
    /// Its parts are of another object of the same size.
    pub stale: bool,
}

/// One run of the download.
#[derive(Clone, Debug)]
pub struct RunPlan {
    pub damage: Vec<Damage>,
    pub between: Option<Replacement>,
    /// In place of the object when this request of the run comes.
    pub during: Option<(u64, Replacement)>,
    pub strikes: Vec<Strike>,
    pub ending: Ending,
}

/// What becomes of the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replacement {
    SameSize,
    Size(u64),
    Deleted,
}

/// A fault of the `times` requests of the run from the `from`-th on.
#[derive(Clone, Copy, Debug)]
pub struct Strike {
    pub from: u64,
    pub times: u64,
    pub flaw: Flaw,
}

/// What can be wrong with a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    CloseBeforeHeaders,
    ResetBeforeHeaders,
    NotHttp,
    NoReply,
    CloseAfter(u64),
    ResetAfter(u64),
    StallAfter(u64),
    HalfCloseAfter(u64),
    ShortBody(u64),
    LongBody(u64),
    Busy(u16),
    ProxyPage(u16),
    WrongContentRange,
    NoContentRange,
    OtherBytes(u64),
    IgnoreRange,
    Gzip,
    Chunked,
    NoContentLength,
    WrongEtag,
    NoEtag,
    WrongCrc,
    NoCrc,
    FlipByte(u64),
    Refused(u16),
    CloseConnection,
    SlowHeaders,
}

/// How a run ends, at the latest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    ToTheEnd,
    /// Cancelled when so many bytes came; no reply brings more than these.
    CancelAfter(u64),
    /// As if killed when so many bytes came; no reply brings more than these. `settled`: all that is to be recorded
    /// by then has been.
    SnapshotAfter {
        bytes: u64,
        settled: bool,
    },
    /// A process of its own, killed so long after its first request.
    KilledAfter {
        microseconds: u64,
        slowly: bool,
    },
}

/// What happens to the files between two runs. Places are parts of 65,536 of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    TempCut(u16),
    TempLengthened(u32),
    TempFlipped(u16),
    TempZeroed(u16, u16),
    TempDeleted,
    JournalCut(u16),
    /// Paths and bit.
    JournalFlipped(u16, u8),
    /// The place and bit in the records, as far as there are any.
    RecordFlipped(u16, u8),
    JournalDeleted,
    /// The journal as it was after an earlier run.
    JournalOfBefore,
    /// The records of the journal after an earlier run, under the header of this one.
    RecordsOfBefore,
}

/// What kind of trouble a flaw is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// None that anyone notices.
    Harmless,
    /// The request is repeated, as long as the run is not given up before its first byte.
    Transport,
    /// The same, and the error would be the service's.
    Service,
    /// The reply is not the one that was asked for.
    Reply,
    /// The object seems to be another one.
    Generation,
    /// Bytes are wrong, and only the checksum of the object tells.
    Content,
    /// Asking again is of no use.
    Final,
}

impl Flaw {
    pub fn trouble(self) -> Trouble {
        use Flaw::*;
        match self {
            NoCrc | CloseConnection | SlowHeaders => Trouble::Harmless,
            CloseBeforeHeaders | ResetBeforeHeaders | NoReply | CloseAfter(_) | ResetAfter(_)
            | StallAfter(_) | HalfCloseAfter(_) | ShortBody(_) | LongBody(_) => Trouble::Transport,
            Busy(_) => Trouble::Service,
            ProxyPage(status) if status >= 300 => Trouble::Service,
            NotHttp | ProxyPage(_) | WrongContentRange | NoContentRange | OtherBytes(_)
            | IgnoreRange | Gzip | Chunked | NoContentLength => Trouble::Reply,
            WrongEtag | NoEtag | WrongCrc => Trouble::Generation,
            FlipByte(_) => Trouble::Content,
            Refused(_) => Trouble::Final,
        }
    }

    /// As the first reply it is not asked for a third time: the next one would be the same.
    pub fn is_by_design(self) -> bool {
        use Flaw::*;
        matches!(
            self,
            ProxyPage(_) | NoContentRange | IgnoreRange | Gzip | Chunked | NoContentLength
        )
    }

    /// Nothing comes for a while.
    pub fn is_silent(self) -> bool {
        matches!(self, Flaw::NoReply | Flaw::StallAfter(_) | Flaw::HalfCloseAfter(_))
    }

    /// After it the object may have to come in one stream, which cannot be continued.
    pub fn forces_a_stream(self) -> bool {
        matches!(self, Flaw::NoEtag | Flaw::IgnoreRange)
    }
}

/// Bytes that differ from each other at any distance that matters.
const POOL: usize = 24 * MIB as usize;
/// How far apart the bytes of two generations start; odd.
const APART: usize = 1_048_583;
/// Largest object.
pub const LARGEST: u64 = 6 * MIB;

/// The bytes of the `generation`-th object of `size` bytes under a plan.
pub fn content(plan: &ObjectPlan, generation: usize, size: u64) -> Vec<u8> {
    static BYTES: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    let pool = BYTES.get_or_init(|| {
        let mut bytes = vec![0; POOL];
        local_oss::Pattern::new(POOL as u64, 3).fill(0, &mut bytes);
        bytes
    });
    let start = generation * APART % (POOL - LARGEST as usize);
    let mut bytes = pool[start..start + size as usize].to_vec();
    let (from, len) = plan.zeros;
    let from = from.min(size) as usize;
    let end = (from as u64 + len).min(size) as usize;
    bytes[from..end].fill(0);
    bytes
}

/// A plan in which nothing goes wrong; plain tests change what they are about.
pub fn catch(size: u64) -> Plan {
    Plan {
        object: ObjectPlan { size, zeros: (0, 0), sends_crc: true, sends_etag: true },
        request: RequestPlan {
            part_size: PART,
            thread_num: 3,
            range: None,
            checkpoint: CheckpointPlan::BesideTarget,
            condition: Condition::None,
            verify_crc: true,
            flush: false,
            replaces: true,
            verify_before_rename: false,
            preallocate: false,
        },
        old_target: false,
        sdk: None,
        runs: Vec::new(),
    }
}
