//! The buffers of one client. Their number is limited, so that a slow disk pauses the sockets and memory stays bounded.

use std::collections::HashMap;

use crate::storage::aligned::AlignedBuffer;
use crate::sync::Mutex;
use crate::transfer::worker_waker::WorkerWaker;

/// Capacity of a buffer, in bytes: large enough to make a write's fixed cost negligible. Pages that are never written
/// take no memory.
pub const BUFFER_SIZE: usize = 1024 * 1024;

/// The buffers of one client, limited to what its running downloads reserve.
#[derive(Default)]
pub struct Buffers {
    state: Mutex<BufferState>,
}

#[derive(Default)]
struct BufferState {
    free: Vec<AlignedBuffer>,
    /// Number of existing buffers, in use or free.
    existing: usize,
    /// Largest number of buffers.
    limit: usize,
    /// Workers with a connection that waits for a buffer.
    waiting: HashMap<usize, WorkerWaker>,
}

impl BufferState {
    fn take(&mut self) -> Option<AlignedBuffer> {
        if let Some(buffer) = self.free.pop() {
            return Some(buffer);
        }
        if self.existing >= self.limit {
            return None;
        }
        self.existing += 1;
        Some(AlignedBuffer::with_capacity(BUFFER_SIZE))
    }
}

impl Buffers {
    /// Raises the limit while a download runs.
    pub fn reserve(&self, count: usize) {
        self.state.lock().limit += count;
    }

    /// Lowers the limit when a download ends, and frees unused buffers.
    pub fn release(&self, count: usize) {
        let mut state = self.state.lock();
        state.limit = state.limit.saturating_sub(count);
        while state.existing > state.limit && state.free.pop().is_some() {
            state.existing -= 1;
        }
    }

    /// Returns an empty buffer, or `None` if there is none now: then `worker` is woken when one becomes free.
    pub fn take(&self, worker: &WorkerWaker) -> Option<AlignedBuffer> {
        let mut state = self.state.lock();
        let taken = state.take();
        if taken.is_none() {
            state.waiting.insert(worker.index(), worker.clone());
        }
        taken
    }

    /// As [`Buffers::take`], but nobody is woken.
    pub fn try_take(&self) -> Option<AlignedBuffer> {
        self.state.lock().take()
    }

    /// Whether a connection waits for a buffer.
    pub fn wanted(&self) -> bool {
        !self.state.lock().waiting.is_empty()
    }

    /// Returns a buffer to the store and wakes the waiting workers.
    pub fn give_back(&self, mut buffer: AlignedBuffer) {
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
