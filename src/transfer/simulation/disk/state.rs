//! A disk's state: its files, its faults and the processes that use it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use crate::transfer::simulation::content::Content;
use crate::transfer::simulation::random::Random;

use super::ProcessId;
use super::files::{Data, Files, Inode, Lock};
use super::hashing::HashingJob;
use super::plan::{Call, DiskPlan};
use super::proof::ProofJob;
use super::temp::OpenTemp;

/// How long the library waits for a lock: sixteen times a millisecond.
const WAIT_FOR_LOCK: Duration = Duration::from_millis(16);

/// A state that many share.
pub type Shared = Arc<Mutex<State>>;

pub struct State {
    pub plan: DiskPlan,
    pub random: Random,
    pub files: Files,
    pub processes: Vec<Process>,
    pub proofs: Vec<ProofJob>,
    pub hashings: Vec<HashingJob>,
    /// Real bytes of contents.
    pub spelled: BTreeMap<Content, Vec<u8>>,
    /// Lines of the story; `None` if nobody wants them.
    pub lines: Option<Vec<(ProcessId, String)>>,
    /// Calls so far, by kind.
    calls: [u64; Call::ALL.len()],
    locks: u64,
}

#[derive(Default)]
pub struct Process {
    pub dead: bool,
    pub steps: u64,
    pub kill_at: Option<u64>,
    /// Time that its calls have taken.
    pub lag: Duration,
    pub temp: Weak<OpenTemp>,
}

/// A step that failed.
#[derive(Debug)]
pub struct Refused {
    error: io::Error,
    /// A part of a write may have been done.
    pub torn: bool,
}

impl From<Refused> for io::Error {
    fn from(refused: Refused) -> Self {
        refused.error
    }
}

impl State {
    pub fn new(plan: DiskPlan, random: Random, story: bool) -> Self {
        State {
            plan,
            random,
            files: Files::default(),
            processes: Vec::new(),
            proofs: Vec::new(),
            hashings: Vec::new(),
            spelled: BTreeMap::new(),
            lines: story.then(Vec::new),
            calls: [0; Call::ALL.len()],
            locks: 0,
        }
    }

    pub fn process(&mut self, process: ProcessId) -> &mut Process {
        &mut self.processes[process.0]
    }

    pub fn is_dead(&self, process: ProcessId) -> bool {
        self.processes[process.0].dead
    }

    /// Adds a line to the story.
    pub fn note(&mut self, process: ProcessId, line: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.lines {
            lines.push((process, line()));
        }
    }

    /// Begins a step of a call, and takes its time: it fails if the process is or gets killed, or the plan says so.
    pub fn step(&mut self, process: ProcessId, call: Call) -> Result<(), Refused> {
        let dead = || io::Error::other("the process has been killed");
        let caller = &mut self.processes[process.0];
        if caller.dead {
            return Err(Refused { error: dead(), torn: false });
        }
        if caller.kill_at == Some(caller.steps) {
            self.note(process, || format!("killed before {call:?}"));
            self.kill(process);
            return Err(Refused { error: dead(), torn: true });
        }
        caller.steps += 1;
        let nth = self.calls[call as usize];
        self.calls[call as usize] += 1;
        let plan = &self.plan;
        let mut time = plan.call_time;
        if matches!(call, Call::Flush | Call::FlushJournal) {
            time += plan.flush_time;
        }
        for stall in plan.stalls.iter().filter(|stall| stall.call == call && stall.nth == nth) {
            time += stall.time;
        }
        caller.lag += time;
        let failure = plan
            .failures
            .iter()
            .find(|failure| failure.call == call && nth.wrapping_sub(failure.nth) < failure.times);
        let Some(reason) = failure.map(|failure| failure.reason) else { return Ok(()) };
        self.note(process, || format!("{call:?} fails: {reason:?}"));
        Err(Refused { error: reason.into(), torn: true })
    }

    /// Number of the calls of this kind so far.
    pub fn calls(&self, call: Call) -> u64 {
        self.calls[call as usize]
    }

    /// Time to read or write `len` bytes.
    pub fn transfer_time(&self, len: u64) -> Duration {
        match self.plan.bytes_per_second {
            0 => Duration::ZERO,
            rate => Duration::from_secs_f64(len as f64 / rate as f64),
        }
    }

    /// Does something on behalf of a process but not on its own thread: the time that it takes is returned and not
    /// added to the process's lag.
    pub fn aside<T>(
        &mut self,
        process: ProcessId,
        action: impl FnOnce(&mut Self) -> T,
    ) -> (Duration, T) {
        let lag = self.process(process).lag;
        let result = action(self);
        let time = self.process(process).lag - lag;
        self.process(process).lag = lag;
        (time, result)
    }

    /// Bytes that are free; `None`: any number.
    pub fn free(&self) -> Option<u64> {
        Some(self.plan.capacity?.saturating_sub(self.files.used()))
    }

    pub fn kill(&mut self, process: ProcessId) {
        self.process(process).dead = true;
        self.files.unlock_all(process);
        self.proofs.retain(|proof| proof.process != process);
        self.hashings.retain(|hashing| hashing.process != process);
    }

    /// Opens and locks the file at `path`; `None` if there is none, `WouldBlock` if it is locked.
    pub fn open(
        &mut self,
        process: ProcessId,
        call: Call,
        path: &OsStr,
    ) -> io::Result<Option<(Inode, Option<Lock>)>> {
        self.step(process, call)?;
        let Some(inode) = self.files.find(path) else { return Ok(None) };
        if self.files.file(inode).lock.is_some() {
            self.process(process).lag += WAIT_FOR_LOCK;
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Some((inode, self.lock(process, inode))))
    }

    /// Creates and locks a file; `AlreadyExists` if there is one.
    pub fn create(
        &mut self,
        process: ProcessId,
        call: Call,
        path: &OsStr,
        data: Data,
    ) -> io::Result<(Inode, Option<Lock>)> {
        self.step(process, call)?;
        if self.files.find(path).is_some() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let inode = self.files.create(path, data);
        Ok((inode, self.lock(process, inode)))
    }

    /// Locks a file, where there are locks.
    pub fn lock(&mut self, process: ProcessId, inode: Inode) -> Option<Lock> {
        if !self.plan.locks {
            return None;
        }
        self.locks += 1;
        let lock = Lock { process, number: self.locks };
        self.files.file_mut(inode).lock = Some(lock);
        Some(lock)
    }

    /// Whether `path` leads to the file.
    pub fn is_in_place(
        &mut self,
        process: ProcessId,
        path: &Path,
        inode: Inode,
    ) -> io::Result<bool> {
        self.step(process, Call::Look)?;
        Ok(self.files.find(path.as_os_str()) == Some(inode))
    }

    /// Removes the file from its path, unless another one is there.
    pub fn unlink(
        &mut self,
        process: ProcessId,
        call: Call,
        path: &Path,
        inode: Inode,
    ) -> io::Result<()> {
        if self.is_in_place(process, path, inode)? {
            self.step(process, call)?;
            self.note(process, || format!("'{}' is removed", path.display()));
            self.files.unlink(path.as_os_str());
        }
        Ok(())
    }
}

/// A file that a process has open. Dropping it releases its lock.
pub struct OpenFile {
    shared: Shared,
    pub process: ProcessId,
    pub inode: Inode,
    lock: Option<Lock>,
}

impl OpenFile {
    pub fn new(shared: &Shared, process: ProcessId, (inode, lock): (Inode, Option<Lock>)) -> Self {
        OpenFile { shared: shared.clone(), process, inode, lock }
    }

    /// The disk, which must not be locked when this is dropped.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.shared.lock()
    }

    pub fn shared(&self) -> &Shared {
        &self.shared
    }

    pub fn is_locked(&self) -> bool {
        self.lock.is_some()
    }

    pub fn unlock(&self) {
        if let Some(lock) = self.lock {
            let mut state = self.shared.lock();
            let held = &mut state.files.file_mut(self.inode).lock;
            // A killed process has lost its locks, and another one may have taken this one.
            *held = held.filter(|held| *held != lock);
        }
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        self.unlock();
    }
}
