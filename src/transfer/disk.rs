//! Writer threads for disks that cannot keep up, and the bounded store of buffers that makes a slow disk slow the
//! sockets down instead of filling the memory.
//!
//! A disk that keeps up is written to by the transfer thread itself (see [`super::intake`]): the page cache takes the
//! bytes faster than another thread can be woken. As soon as a write makes its thread wait, that fetch's buffers go
//! through here.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::error::Error;
use crate::model::extent::Extent;
use crate::storage::temp_file::TempFile;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sync::channel::{Receiver, Sender, bounded};
use crate::sys;
use crate::sys::panic::quiet;
use crate::sys::thread::{self, Joined};

use super::event::{Event, FetchEnd};
use super::worker::WakeWorker;

/// Writer threads of one client.
const LANES: usize = 4;
/// Writes that may wait in one lane; memory is bounded by the buffers, this only sizes the channel.
const LANE_DEPTH: usize = 4096;

/// One step for a writer thread. Steps of one fetch stay in their order.
pub enum Step {
    /// Write `bytes` at `offset`, then report `extent` as stored.
    Write { bytes: Vec<u8>, offset: u64, extent: Option<Extent> },
    /// Everything before it is written: report the fetch's end.
    End(Box<FetchEnd>),
}

/// What bytes are written into.
pub trait WriteAt: Send + Sync {
    /// Writes all of `bytes` at `offset`.
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), Error>;
}

impl WriteAt for TempFile {
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), Error> {
        TempFile::write_at(self, bytes, offset)
    }
}

/// Where a fetch's steps go: its file, its listener, and what its lane still owes.
pub struct Outlet {
    pub file: Arc<dyn WriteAt>,
    /// The object's byte that stands first in the file.
    pub base: u64,
    pub events: Sender<Event>,
    /// Steps handed over and not done.
    pub pending: AtomicUsize,
    /// A write failed: later extents of this fetch may cover a hole and are not reported.
    spoiled: AtomicBool,
}

impl Outlet {
    pub fn new(file: Arc<dyn WriteAt>, base: u64, events: Sender<Event>) -> Self {
        Outlet { file, base, events, pending: AtomicUsize::new(0), spoiled: AtomicBool::new(false) }
    }

    /// Writes the object's bytes from `offset` on and reports `extent` as stored, unless an earlier write failed.
    pub fn write(&self, bytes: &[u8], offset: u64, extent: Option<Extent>) -> Result<(), Error> {
        if self.spoiled.load(Ordering::Acquire) {
            return Ok(());
        }
        let written = self.file.write_at(bytes, offset.saturating_sub(self.base));
        sys::exit::stop_if_left_behind();
        if written.is_err() {
            self.spoiled.store(true, Ordering::Release);
        } else if let Some(extent) = extent {
            // A driver that is gone no longer wants to know.
            let _ = self.events.send(Event::Stored(extent));
        }
        written
    }
}

struct Task {
    outlet: Arc<Outlet>,
    step: Step,
}

/// A writer thread, and the way to it.
type Lane = (Sender<Task>, Joined);

/// The writer threads and the buffers of one client. Threads start with the first step handed over.
pub struct Disk {
    lanes: Mutex<Vec<Lane>>,
    buffers: Arc<Buffers>,
}

impl Disk {
    pub fn new() -> Self {
        Disk { lanes: Mutex::new(Vec::new()), buffers: Arc::new(Buffers::default()) }
    }

    pub fn buffers(&self) -> &Arc<Buffers> {
        &self.buffers
    }

    /// Hands a step over; `fetch` picks the lane. Gives the step back when no thread can be started.
    pub fn submit(&self, fetch: u64, outlet: &Arc<Outlet>, step: Step) -> Result<(), Step> {
        let mut lanes = self.lanes.lock();
        if lanes.is_empty() {
            // Once and for all, however many there are: with their number a fetch's lane would change.
            lanes.extend((0..LANES).map_while(|_| self.start_lane()));
        }
        if lanes.is_empty() {
            return Err(step);
        }
        let lane = &lanes[usize::try_from(fetch).unwrap_or(0) % lanes.len()].0;
        outlet.pending.fetch_add(1, Ordering::AcqRel);
        lane.send(Task { outlet: outlet.clone(), step }).map_err(|refused| {
            outlet.pending.fetch_sub(1, Ordering::AcqRel);
            refused.0.step
        })
    }

    /// None when the system has no thread to give.
    fn start_lane(&self) -> Option<Lane> {
        let (sender, steps) = bounded(LANE_DEPTH);
        let buffers = self.buffers.clone();
        let join = thread::spawn("oss-write", move || serve(&steps, &buffers)).ok()?;
        Some((sender, join))
    }

    /// Ends the writer threads after the steps they hold.
    pub fn shut_down(&self) {
        let lanes = std::mem::take(&mut *self.lanes.lock());
        for (sender, join) in lanes {
            drop(sender);
            // A writer thread reports its failures through events; there is nothing left to learn here.
            let _ = join.join();
        }
    }
}

fn serve(steps: &Receiver<Task>, buffers: &Buffers) {
    for Task { outlet, step } in steps {
        match step {
            Step::Write { bytes, offset, extent } => {
                let written = quiet(|| outlet.write(&bytes, offset, extent));
                // The thread outlives a defect: other fetches have steps here as well.
                let written = written.unwrap_or_else(|defect| {
                    outlet.spoiled.store(true, Ordering::Release);
                    Err(defect.into())
                });
                if let Err(error) = written {
                    let _ = outlet.events.send(Event::Fault(error));
                }
                buffers.give_back(bytes);
            }
            Step::End(end) => {
                let _ = outlet.events.send(Event::Ended(end));
            }
        }
        outlet.pending.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Capacity of a buffer, in bytes: large enough that a write's fixed cost disappears. Pages that are never filled cost
/// no memory.
pub const BUFFER_SIZE: usize = 1024 * 1024;

/// The buffers of one client, bounded by what its running downloads reserve.
#[derive(Default)]
pub struct Buffers {
    state: Mutex<BufferState>,
}

#[derive(Default)]
struct BufferState {
    free: Vec<Vec<u8>>,
    /// Buffers that exist, handed out or free.
    existing: usize,
    /// Buffers that may exist.
    limit: usize,
    /// Workers with a connection that waits for a buffer.
    waiting: HashMap<usize, WakeWorker>,
}

impl Buffers {
    /// Raises the limit while a download runs.
    pub fn reserve(&self, count: usize) {
        self.state.lock().limit += count;
    }

    /// Lowers the limit when a download ends and lets unused buffers go.
    pub fn release(&self, count: usize) {
        let mut state = self.state.lock();
        state.limit = state.limit.saturating_sub(count);
        while state.existing > state.limit && state.free.pop().is_some() {
            state.existing -= 1;
        }
    }

    /// An empty buffer, or none now: `worker` is then woken when one comes back.
    pub fn take(&self, worker: &WakeWorker) -> Option<Vec<u8>> {
        let mut state = self.state.lock();
        if let Some(buffer) = state.free.pop() {
            return Some(buffer);
        }
        if state.existing >= state.limit {
            state.waiting.insert(worker.index(), worker.clone());
            return None;
        }
        state.existing += 1;
        Some(Vec::with_capacity(BUFFER_SIZE))
    }

    /// Whether a connection waits for a buffer.
    pub fn wanted(&self) -> bool {
        !self.state.lock().waiting.is_empty()
    }

    /// Takes a buffer back and wakes who waits.
    pub fn give_back(&self, mut buffer: Vec<u8>) {
        buffer.clear();
        let waiting = {
            let mut state = self.state.lock();
            if state.existing > state.limit {
                state.existing -= 1;
            } else {
                state.free.push(buffer);
            }
            std::mem::take(&mut state.waiting)
        };
        for worker in waiting.into_values() {
            worker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::channel::unbounded;

    #[test]
    fn a_fetch_keeps_its_lane_when_only_some_threads_could_be_started() {
        let dir = tempfile::tempdir().expect("directory");
        let file = TempFile::create(&dir.path().join("file")).expect("file");
        let (events, news) = unbounded();
        let outlet = Arc::new(Outlet::new(Arc::new(file), 0, events));
        let disk = Disk::new();
        disk.lanes.lock().extend(disk.start_lane());
        for offset in 0..100 {
            let extent = Some(Extent { offset, len: 1, crc: 0 });
            let step = Step::Write { bytes: vec![0], offset, extent };
            assert!(disk.submit(3, &outlet, step).is_ok());
        }
        assert_eq!(disk.lanes.lock().len(), 1);
        disk.shut_down();
        let stored: Vec<u64> = std::iter::from_fn(|| news.try_recv().ok())
            .map(|event| match event {
                Event::Stored(extent) => extent.offset,
                _ => panic!("unexpected news"),
            })
            .collect();
        assert!(stored.iter().copied().eq(0..100));
    }
}

#[cfg(all(test, shuttle))]
pub mod schedules;
