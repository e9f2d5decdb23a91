//! The buffers of one client: a bounded store, so that a slow disk slows the sockets down instead of filling the memory.

use std::collections::HashMap;

use crate::sync::Mutex;
use crate::transfer::worker_waker::WorkerWaker;

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
    waiting: HashMap<usize, WorkerWaker>,
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
    pub fn take(&self, worker: &WorkerWaker) -> Option<Vec<u8>> {
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

#[cfg(all(test, shuttle))]
pub mod schedules;
