//! One case: an object, a request, and runs with their faults. `Debug` prints it as source text that can be pasted into
//! a test.

use serde::{Deserialize, Serialize};

use crate::fixture::{MIB, PART};

/// One case.
#[derive(Clone, Debug)]
pub struct Plan {
    pub object: ObjectPlan,
    pub request: RequestPlan,
    /// The target exists before the first run.
    pub old_target: bool,
    /// The C++ SDK was stopped in the middle of this download.
    pub sdk: Option<SdkPlan>,
    /// In order. A last one without faults follows.
    pub runs: Vec<RunPlan>,
}

/// The object, and the headers with which the service describes it.
#[derive(Clone, Copy, Debug)]
pub struct ObjectPlan {
    pub size: u64,
    /// This many bytes from this offset on are zeros: a hole in the file reads the same.
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
    /// If-Match of the first object.
    IfFirst,
    /// If-Match of an object that never existed.
    IfAnother,
    /// If-None-Match of the first object.
    IfNotFirst,
}

/// The files that the SDK left.
#[derive(Clone, Copy, Debug)]
pub struct SdkPlan {
    /// One of every so many parts is missing.
    pub every: u64,
    /// Its parts are of another object of the same size.
    pub stale: bool,
}

/// One run of the download.
#[derive(Clone, Debug)]
pub struct RunPlan {
    pub damage: Vec<Damage>,
    pub between: Option<Replacement>,
    /// Replaces the object at this request of the run.
    pub during: Option<(u64, Replacement)>,
    pub faults: Vec<PlannedFault>,
    pub ending: Ending,
}

/// How the object is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replacement {
    SameSize,
    Size(u64),
    Deleted,
}

/// A fault in `times` requests of the run, from number `from` on.
#[derive(Clone, Copy, Debug)]
pub struct PlannedFault {
    pub from: u64,
    pub times: u64,
    pub flaw: Flaw,
}

/// The faults of a reply.
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

/// The latest end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    ToTheEnd,
    /// Cancelled when this many bytes have arrived; no reply contains more.
    CancelAfter(u64),
    /// As if killed when this many bytes have arrived; no reply contains more. `settled`: everything that should be
    /// recorded by then has been.
    SnapshotAfter {
        bytes: u64,
        settled: bool,
    },
    /// A process of its own, killed this long after its first request.
    KilledAfter {
        microseconds: u64,
        slowly: bool,
    },
}

/// The damage to the files between two runs. Offsets are given in units of 1/65,536 of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    TempCut(u16),
    TempLengthened(u32),
    TempFlipped(u16),
    TempZeroed(u16, u16),
    TempDeleted,
    JournalCut(u16),
    /// Offset and bit.
    JournalFlipped(u16, u8),
    /// Offset and bit in the records, if there are any.
    RecordFlipped(u16, u8),
    JournalDeleted,
    /// The journal as it was after an earlier run.
    JournalOfBefore,
    /// The records of the journal after an earlier run, with the header of this one.
    RecordsOfBefore,
}

/// The effect of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// None.
    Harmless,
    /// The request is repeated, unless the run fails before its first byte.
    Transport,
    /// The same, but the error would be the service's.
    Service,
    /// The reply is not the requested one.
    Reply,
    /// The object seems to be another one.
    Generation,
    /// Bytes are wrong, and only the object's checksum shows it.
    Content,
    /// A retry is useless.
    Final,
}

impl Flaw {
    pub fn effect(self) -> Effect {
        use Flaw::*;
        match self {
            NoCrc | CloseConnection | SlowHeaders => Effect::Harmless,
            CloseBeforeHeaders | ResetBeforeHeaders | NoReply | CloseAfter(_) | ResetAfter(_)
            | StallAfter(_) | HalfCloseAfter(_) | ShortBody(_) | LongBody(_) => Effect::Transport,
            Busy(_) => Effect::Service,
            ProxyPage(status) if status >= 300 => Effect::Service,
            NotHttp | ProxyPage(_) | WrongContentRange | NoContentRange | OtherBytes(_)
            | IgnoreRange | Gzip | Chunked | NoContentLength => Effect::Reply,
            WrongEtag | NoEtag | WrongCrc => Effect::Generation,
            FlipByte(_) => Effect::Content,
            Refused(_) => Effect::Final,
        }
    }

    /// As the first reply it is not requested a third time: the next one would be the same.
    pub fn is_by_design(self) -> bool {
        use Flaw::*;
        matches!(
            self,
            ProxyPage(_) | NoContentRange | IgnoreRange | Gzip | Chunked | NoContentLength
        )
    }

    /// Nothing arrives for some time.
    pub fn is_silent(self) -> bool {
        matches!(self, Flaw::NoReply | Flaw::StallAfter(_) | Flaw::HalfCloseAfter(_))
    }

    /// Afterwards the object may have to be fetched in one stream, which cannot be continued.
    pub fn forces_a_stream(self) -> bool {
        matches!(self, Flaw::NoEtag | Flaw::IgnoreRange)
    }
}

/// Bytes that differ from each other at every relevant distance.
const POOL: usize = 24 * MIB as usize;
/// Distance between the first bytes of two generations; odd.
const APART: usize = 1_048_583;
/// Largest object.
pub const LARGEST: u64 = 6 * MIB;

/// The bytes of generation number `generation` with `size` bytes under a plan.
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

/// A plan without faults; plain tests change what they need.
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
