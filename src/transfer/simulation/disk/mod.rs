//! The disk of one machine: files of symbolic bytes, their names, locks and what of them survives a power failure.
//!
//! Processes use it through the interfaces of `world`. Calls take effect at once; the time that they take is added to
//! the lag of their process, by which its clock is ahead. A process can be killed before any step of a call; from then
//! on none of its calls has an effect.

mod plan;

pub use plan::{Call, Damage, DiskPlan, Failure, Reason, Stall};

/// A process that uses a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProcessId(pub usize);

/// The disk of one machine. Clones are the same disk.
#[derive(Clone)]
pub struct Disk;

impl Disk {
    /// An empty disk. `story`: lines are kept for [`Disk::take_lines`].
    pub fn new(plan: DiskPlan, random: Random, story: bool) -> Self;

    // -- Processes

    /// A new process.
    pub fn start_process(&self) -> ProcessId;
    /// The files of a download; `file_path` must be absolute.
    pub fn storage(&self, process: ProcessId, request: &DownloadRequest) -> SimStorage;    // : Storage
    /// Kills the process: its locks are released, and none of its calls has an effect any more.
    pub fn kill(&self, process: ProcessId);
    /// Kills the process before the `step`th step of its calls, counted from 0. Writes of the network count too.
    pub fn kill_at_step(&self, process: ProcessId, step: u64);
    pub fn is_dead(&self, process: ProcessId) -> bool;
    /// Steps of the process so far.
    pub fn steps(&self, process: ProcessId) -> u64;
    /// Time by which the process is ahead of the world, because its calls took it.
    pub fn lag(&self, process: ProcessId) -> Duration;
    /// Returns the lag, which is 0 afterwards.
    pub fn take_lag(&self, process: ProcessId) -> Duration;
    /// The temporary file of a living process, to which its network writes; `None` if it is not open.
    pub fn open_file(&self, process: ProcessId) -> Option<SimFile>;
    //   SimFile: Clone + TemporaryFile, and
    //   pub fn write(&self, bytes: &[Piece], offset: u64) -> (Duration, Result<()>)    the time is NOT added to the lag

    // -- The proof of a process. The world asks `proof_due` whenever the process has run or a step was made.

    /// A step of a proof that has not been scheduled, and the time that it takes: `proof_step` shall be called then.
    pub fn proof_due(&self, process: ProcessId) -> Option<(ProofId, Duration)>;
    /// Makes the step and returns its event; `None` if the proof has ended meanwhile, or its process.
    pub fn proof_step(&self, proof: ProofId) -> Option<Event>;
    /// The end of a proof that the driver has stopped by dropping it. Inbox::try_recv, recv and recv_until must deliver
    /// it before they return None or wait, because the driver waits for it in the drop.
    pub fn stopped_proof(&self, process: ProcessId) -> Option<Event>;

    // -- Faults from outside

    /// Kills every process, and forgets by chance what was not flushed.
    pub fn power_loss(&self);
    pub fn damage(&self, damage: &Damage);
    /// Another process holds the locks of the temporary file / journal of the download until it is killed.
    pub fn occupy(&self, process: ProcessId, request: &DownloadRequest, what: Occupied);
    /// From now on no call fails, takes time, or lacks space.
    pub fn end_faults(&self);

    // -- Set-up and inspection

    pub fn put_target(&self, request: &DownloadRequest, bytes: &[Piece]);    // durable
    pub fn put_temp(&self, request: &DownloadRequest, bytes: &[Piece]);      // durable, under the usual name
    /// The record that the SDK keeps of this download; `record` None: one that cannot be used.
    pub fn put_sdk_record(&self, request: &DownloadRequest, record: Option<SdkRecord>);
    pub fn has_sdk_record(&self, request: &DownloadRequest) -> bool;
    pub fn target(&self, request: &DownloadRequest) -> Option<Bytes>;
    /// Names and contents of the temporary files.
    pub fn temp_files(&self) -> Vec<(OsString, Bytes)>;
    /// The contents of the download's journal, as a later run would read it; `None` if there is none or it is damaged.
    pub fn journal(&self, request: &DownloadRequest) -> Option<(Header, Vec<Extent>)>;
    /// Names of the journals, including unfinished ones.
    pub fn journals(&self) -> Vec<OsString>;
    /// The real bytes of a content, for Storage's read_at (a processed object that is an error document).
    pub fn spell(&self, content: Content, bytes: Vec<u8>);
    /// Bytes in use.
    pub fn used(&self) -> u64;
    /// The lines of the story since the last call, with the process.
    pub fn take_lines(&self) -> Vec<(ProcessId, String)>;
}
