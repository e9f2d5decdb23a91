//! The proof of an earlier run's extents, one of which is compared at each step.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use crate::model::error::Error;
use crate::model::extent::Extent;
use crate::transfer::event::Event;
use crate::transfer::world::Proof;

use super::files::Inode;
use super::state::{Shared, State};
use super::temp::{SimFile, cancelled_error, holds};
use super::{Disk, ProcessId};

/// The number of a proof, which no other proof of the disk has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProofId(u64);

/// A proof that has not ended.
pub struct ProofJob {
    id: ProofId,
    pub process: ProcessId,
    inode: Inode,
    path: PathBuf,
    base: u64,
    /// Those that are left.
    extents: VecDeque<Extent>,
    /// The next step has been handed out.
    scheduled: bool,
    paused: bool,
    stopped: bool,
}

/// The driver's handle.
struct SimProof {
    shared: Shared,
    id: ProofId,
    /// Keeps it open.
    _file: SimFile,
}

impl SimProof {
    /// Changes the proof, unless it has ended.
    fn change(&self, change: impl FnOnce(&mut ProofJob)) {
        let mut state = self.shared.lock();
        if let Some(job) = state.proofs.iter_mut().find(|job| job.id == self.id) {
            change(job);
        }
    }
}

impl Proof for SimProof {
    fn pause(&self) {
        self.change(|job| job.paused = true);
    }

    fn resume(&self) {
        self.change(|job| job.paused = false);
    }
}

impl Drop for SimProof {
    fn drop(&mut self) {
        self.change(|job| job.stopped = true);
    }
}

/// Starts to compare extents with `file`.
pub fn start(shared: &Shared, file: SimFile, base: u64, extents: Vec<Extent>) -> Box<dyn Proof> {
    let (process, inode, path) = (file.process(), file.inode(), file.path().to_owned());
    let mut state = shared.lock();
    let id = ProofId(state.random.next());
    state.note(process, || format!("a proof of {} extents starts", extents.len()));
    if !state.is_dead(process) {
        let extents = extents.into();
        let (scheduled, paused, stopped) = (false, false, false);
        let job = ProofJob { id, process, inode, path, base, extents, scheduled, paused, stopped };
        state.proofs.push(job);
    }
    Box::new(SimProof { shared: shared.clone(), id, _file: file })
}

impl Disk {
    /// A step of a proof that has not been handed out yet, and how long it takes; [`Disk::proof_step`] makes it then.
    /// To be asked whenever the process has run, and after each step.
    pub fn proof_due(&self, process: ProcessId) -> Option<(ProofId, Duration)> {
        let mut state = self.0.lock();
        let state = &mut *state;
        let idle = |job: &ProofJob| !job.scheduled && !job.paused && !job.stopped;
        let due = |job: &&mut ProofJob| job.process == process && idle(job);
        let job = state.proofs.iter_mut().find(due)?;
        job.scheduled = true;
        let (id, next) = (job.id, job.extents.front().map(|extent| extent.len));
        let time = next.map(|len| state.plan.call_time + state.transfer_time(len));
        Some((id, time.unwrap_or_default()))
    }

    /// Makes a step that [`Disk::proof_due`] has handed out, and returns its event; `None` if the proof or its process
    /// has ended meanwhile.
    pub fn proof_step(&self, proof: ProofId) -> Option<Event> {
        let mut state = self.0.lock();
        let index = state.proofs.iter().position(|job| job.id == proof && !job.stopped)?;
        let job = &mut state.proofs[index];
        job.scheduled = false;
        let (process, inode, base) = (job.process, job.inode, job.base);
        let Some(extent) = job.extents.pop_front() else {
            state.proofs.remove(index);
            return Some(Event::ProofEnded(Ok(())));
        };
        let offset = extent.offset.saturating_sub(base);
        let held = |state: &mut State| holds(state, (process, inode), &extent, offset);
        match state.aside(process, held).1 {
            Ok(true) => Some(Event::Proved(extent)),
            Ok(false) => {
                state.note(process, || format!("{extent:?} is not in the file"));
                Some(Event::Damaged(extent))
            }
            Err(_) if state.is_dead(process) => None,
            Err(error) => {
                let job = state.proofs.remove(index);
                let error = Error::io(&format!("read at {offset} of"), &job.path, &error);
                Some(Event::ProofEnded(Err(error)))
            }
        }
    }

    /// The end of a proof that the driver has stopped. The driver waits for that when it drops the proof, so the inbox
    /// must return this event before it looks for any other.
    pub fn stopped_proof(&self, process: ProcessId) -> Option<Event> {
        let mut state = self.0.lock();
        let index = state.proofs.iter().position(|job| job.process == process && job.stopped)?;
        let job = state.proofs.remove(index);
        let ended = if job.extents.is_empty() { Ok(()) } else { Err(cancelled_error()) };
        Some(Event::ProofEnded(ended))
    }
}
