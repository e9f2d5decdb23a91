//! The disk of one machine: files of symbolic bytes, their names, locks and what of them survives a power failure.
//!
//! Processes use it through the interfaces of `world`. Calls take effect at once; the time that they take is added to
//! the lag of their process, by which its clock is ahead. A process can be killed before any step of a call; from then
//! on none of its calls has an effect.

mod contents;
mod damage;
mod files;
mod hashing;
mod journal;
mod plan;
mod proof;
mod state;
mod storage;
mod target;
mod temp;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::checkpoint::format::Header;
use crate::checkpoint::sdk_record::SdkRecord;
use crate::model::extent::Extent;
use crate::model::request::DownloadRequest;

use super::content::{Bytes, Content, Piece};
use super::random::Random;

use files::{ByteFile, Data, JournalBytes};
use state::{Process, Shared, State};

pub use hashing::HashingId;
pub use plan::{Call, Damage, DiskPlan, Failure, Reason, Stall};
pub use proof::ProofId;
pub use storage::SimStorage;
pub use temp::SimFile;

/// A process that uses a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProcessId(pub usize);

/// The disk of one machine. Clones are the same disk.
#[derive(Clone)]
pub struct Disk(Shared);

/// A file that another process can have locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occupied {
    Journal,
    Temp,
}

/// The processes.
impl Disk {
    /// An empty disk. Lines of its story are kept for [`Disk::take_lines`] if `story` is set.
    pub fn new(plan: DiskPlan, random: Random, story: bool) -> Self {
        Disk(Arc::new(Mutex::new(State::new(plan, random, story))))
    }

    pub fn start_process(&self) -> ProcessId {
        let mut state = self.0.lock();
        state.processes.push(Process::default());
        ProcessId(state.processes.len() - 1)
    }

    /// The files of a download, whose `file_path` must be absolute.
    pub fn storage(&self, process: ProcessId, request: &DownloadRequest) -> SimStorage {
        SimStorage::new(&self.0, process, request)
    }

    /// Kills the process: its locks are released, and none of its calls has an effect any more.
    pub fn kill(&self, process: ProcessId) {
        self.0.lock().kill(process);
    }

    /// Kills the process before the `step`th step of its calls, counted from 0. Writes and the proof count too.
    pub fn kill_at_step(&self, process: ProcessId, step: u64) {
        self.0.lock().process(process).kill_at = Some(step);
    }

    pub fn is_dead(&self, process: ProcessId) -> bool {
        self.0.lock().is_dead(process)
    }

    /// Steps of the process so far.
    pub fn steps(&self, process: ProcessId) -> u64 {
        self.0.lock().process(process).steps
    }

    /// Time by which the process is ahead of the world, because its calls took it.
    pub fn lag(&self, process: ProcessId) -> Duration {
        self.0.lock().process(process).lag
    }

    /// The lag, which is 0 afterwards.
    pub fn take_lag(&self, process: ProcessId) -> Duration {
        std::mem::take(&mut self.0.lock().process(process).lag)
    }

    /// The temporary file that the process has open, for the writes of its network.
    pub fn open_file(&self, process: ProcessId) -> Option<SimFile> {
        let open = self.0.lock().process(process).temp.upgrade();
        open.map(SimFile::of)
    }
}

/// Faults from outside.
impl Disk {
    /// Kills every process, and forgets by chance what was not flushed.
    pub fn power_loss(&self) {
        let mut state = self.0.lock();
        let state = &mut *state;
        for process in 0..state.processes.len() {
            state.kill(ProcessId(process));
        }
        state.files.lose_power(&mut state.random, state.plan.survival);
    }

    /// Locks a file of the download until `process` is killed, as another run would; creates it if it is not there.
    pub fn occupy(&self, process: ProcessId, request: &DownloadRequest, what: Occupied) {
        let paths = storage::paths(request);
        let (path, data) = match what {
            Occupied::Temp => (Some(paths.temp), Data::Bytes(ByteFile::default())),
            Occupied::Journal => {
                (storage::journal_path(request), Data::Journal(JournalBytes::default()))
            }
        };
        let Some(path) = path else { return };
        let mut state = self.0.lock();
        let found = state.files.find(path.as_os_str());
        let inode = found.unwrap_or_else(|| state.files.create(path.as_os_str(), data));
        if state.files.file(inode).lock.is_none() {
            state.lock(process, inode);
        }
    }

    /// Whether a process has locked the journal of a download or its temporary file under the usual name.
    pub fn is_in_use(&self, request: &DownloadRequest) -> bool {
        let files = &self.0.lock().files;
        let paths = [Some(storage::paths(request).temp), storage::journal_path(request)];
        let mut inodes = paths.iter().flatten().filter_map(|path| files.find(path.as_os_str()));
        inodes.any(|inode| files.file(inode).lock.is_some())
    }

    /// From now on no call fails, and there is room for everything.
    pub fn end_faults(&self) {
        let plan = &mut self.0.lock().plan;
        plan.failures.clear();
        plan.stalls.clear();
        plan.corrupt_writes.clear();
        plan.capacity = None;
    }
}

/// Files before and after a run.
impl Disk {
    /// Puts a file at the target's path.
    pub fn put_target(&self, request: &DownloadRequest, bytes: &[Piece]) {
        self.put(&storage::paths(request).target, bytes);
    }

    /// Puts a file at the temporary file's usual path.
    pub fn put_temp(&self, request: &DownloadRequest, bytes: &[Piece]) {
        self.put(&storage::paths(request).temp, bytes);
    }

    fn put(&self, path: &Path, bytes: &[Piece]) {
        let mut file = ByteFile::default();
        file.write(0, bytes);
        self.0.lock().files.put(path.as_os_str(), Data::Bytes(file));
    }

    /// Puts the record that the C++ SDK keeps of the download; `None`: one that cannot be used.
    pub fn put_sdk_record(&self, request: &DownloadRequest, record: Option<SdkRecord>) {
        let Some(path) = storage::sdk_record_path(request) else { return };
        self.0.lock().files.put(path.as_os_str(), Data::SdkRecord(record));
    }

    pub fn has_sdk_record(&self, request: &DownloadRequest) -> bool {
        let path = storage::sdk_record_path(request);
        path.is_some_and(|path| self.0.lock().files.find(path.as_os_str()).is_some())
    }

    /// What is at the target's path.
    pub fn target(&self, request: &DownloadRequest) -> Option<Bytes> {
        let files = &self.0.lock().files;
        let inode = files.find(storage::paths(request).target.as_os_str())?;
        Some(files.bytes(inode).current.all())
    }

    /// Paths and bytes of all temporary files.
    pub fn temp_files(&self) -> Vec<(OsString, Bytes)> {
        let files = &self.0.lock().files;
        let temps = files.names().filter(|(name, _)| files::is_temp(name));
        temps.map(|(name, inode)| (name.to_owned(), files.bytes(inode).current.all())).collect()
    }

    /// The download's journal, as a later run reads it; `None` if there is none or it is damaged.
    pub fn journal(&self, request: &DownloadRequest) -> Option<(Header, Vec<Extent>)> {
        let path = storage::journal_path(request)?;
        let files = &self.0.lock().files;
        let bytes = &files.journal(files.find(path.as_os_str())?)?.bytes;
        journal::decode(bytes).map(|(header, _, extents)| (header, extents))
    }

    /// Paths of all journals, those being written included.
    pub fn journals(&self) -> Vec<OsString> {
        let files = &self.0.lock().files;
        let journals = files.names().filter(|&(_, inode)| files.journal(inode).is_some());
        journals.map(|(name, _)| name.to_owned()).collect()
    }

    /// The real bytes of a content from its offset 0 on, for code that reads a file's bytes.
    pub fn spell(&self, content: Content, bytes: Vec<u8>) {
        self.0.lock().spelled.insert(content, bytes);
    }

    /// Disk blocks in use, in bytes.
    pub fn used(&self) -> u64 {
        self.0.lock().files.used()
    }

    /// The lines of the story since the last call.
    pub fn take_lines(&self) -> Vec<(ProcessId, String)> {
        self.0.lock().lines.as_mut().map(std::mem::take).unwrap_or_default()
    }
}
