//! The hashing of a temporary file while it grows, one block of which is read at each step.

use std::path::PathBuf;
use std::time::Duration;

use rustix::io::Errno;

use crate::model::digest::{Algorithms, Digests};
use crate::model::error::{Error, Result};
use crate::transfer::event::Event;
use crate::transfer::simulation::content::Bytes;
use crate::transfer::world::Hashing;

use super::files::Inode;
use super::plan::Call;
use super::state::{Shared, State};
use super::temp::SimFile;
use super::{Disk, ProcessId};

/// Bytes that are hashed in one step: more than really, so that less happens in a life.
const BLOCK: u64 = 8 << 20;

/// The number of a hashing, which no other one of the disk has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HashingId(u64);

/// A hashing that is not over.
pub struct HashingJob {
    id: HashingId,
    pub process: ProcessId,
    inode: Inode,
    path: PathBuf,
    algorithms: Algorithms,
    /// What was read.
    bytes: Bytes,
    done: u64,
    end: u64,
    complete: bool,
    paused: bool,
    /// The next step has been handed out.
    scheduled: bool,
    /// Reading has failed, with this to be reported.
    failed: Option<Result<Option<Digests>>>,
}

impl HashingJob {
    fn has_work(&self) -> bool {
        let reads = self.failed.is_none() && self.done < self.end;
        !self.scheduled && !self.paused && (reads || self.complete)
    }

    fn next_block(&self) -> u64 {
        if self.failed.is_some() { 0 } else { (self.end - self.done).min(BLOCK) }
    }
}

/// The driver's handle.
struct SimHashing {
    shared: Shared,
    id: HashingId,
    /// Keeps it open.
    _file: SimFile,
}

impl SimHashing {
    fn change(&self, change: impl FnOnce(&mut HashingJob)) {
        let mut state = self.shared.lock();
        if let Some(job) = state.hashings.iter_mut().find(|job| job.id == self.id) {
            change(job);
        }
    }
}

impl Hashing for SimHashing {
    fn extend(&self, end: u64) {
        self.change(|job| job.end = end);
    }

    fn finish(&self) {
        self.change(|job| job.complete = true);
    }

    fn pause(&self) {
        self.change(|job| job.paused = true);
    }

    fn resume(&self) {
        self.change(|job| job.paused = false);
    }
}

impl Drop for SimHashing {
    fn drop(&mut self) {
        self.shared.lock().hashings.retain(|job| job.id != self.id);
    }
}

/// Starts to hash `file`.
pub fn start(shared: &Shared, file: SimFile, algorithms: Algorithms) -> Box<dyn Hashing> {
    let (process, inode, path) = (file.process(), file.inode(), file.path().to_owned());
    let mut state = shared.lock();
    let id = HashingId(state.random.next());
    state.note(process, || "the file is hashed while it grows".to_owned());
    if !state.is_dead(process) {
        state.hashings.push(HashingJob {
            id,
            process,
            inode,
            path,
            algorithms,
            bytes: Bytes::new(),
            done: 0,
            end: 0,
            complete: false,
            paused: false,
            scheduled: false,
            failed: None,
        });
    }
    Box::new(SimHashing { shared: shared.clone(), id, _file: file })
}

impl Disk {
    /// A step of a hashing that has not been handed out yet, and how long it takes; [`Disk::hashing_step`] makes it
    /// then. To be asked whenever the process has run, and after each step.
    pub fn hashing_due(&self, process: ProcessId) -> Option<(HashingId, Duration)> {
        let mut state = self.0.lock();
        let state = &mut *state;
        let due = |job: &&mut HashingJob| job.process == process && job.has_work();
        let job = state.hashings.iter_mut().find(due)?;
        job.scheduled = true;
        let (id, len) = (job.id, job.next_block());
        Some((id, state.plan.call_time + state.transfer_time(len)))
    }

    /// Makes a step that [`Disk::hashing_due`] has handed out, and returns its event, if it has one.
    pub fn hashing_step(&self, hashing: HashingId) -> Option<Event> {
        let mut state = self.0.lock();
        let index = state.hashings.iter().position(|job| job.id == hashing)?;
        let job = &mut state.hashings[index];
        job.scheduled = false;
        let (process, inode, at, len) = (job.process, job.inode, job.done, job.next_block());
        if len == 0 {
            let job = state.hashings.remove(index);
            let digests = || Ok(Some(job.bytes.digests(job.algorithms)));
            return Some(Event::Hashed(job.failed.unwrap_or_else(digests)));
        }
        let read = state.aside(process, |state| read(state, (process, inode), at, len)).1;
        let job = state.hashings.iter_mut().find(|job| job.id == hashing)?;
        match read {
            Ok(block) if block.len() == len => {
                block.pieces().iter().for_each(|piece| job.bytes.push(*piece));
                job.done += len;
            }
            Ok(_) => job.failed = Some(Ok(None)),
            Err(error) => {
                let error = Error::io(&format!("read at {at} of"), &job.path, &error);
                let is_unreadable = error.errno() == Some(Errno::IO.raw_os_error());
                job.failed = Some(if is_unreadable { Ok(None) } else { Err(error) });
            }
        }
        None
    }
}

fn read(
    state: &mut State,
    (process, inode): (ProcessId, Inode),
    at: u64,
    len: u64,
) -> std::io::Result<Bytes> {
    state.step(process, Call::Read)?;
    Ok(state.files.bytes(inode).current.bytes(at..at + len))
}
