//! Wakes a transfer thread. In a file of its own, so that the disk side need not depend on the worker.

use std::task::Waker;

/// Wakes a sleeping worker; cheap to clone.
#[derive(Clone)]
pub struct WorkerWaker {
    index: usize,
    waker: Waker,
}

impl WorkerWaker {
    pub fn new(index: usize, waker: Waker) -> Self {
        WorkerWaker { index, waker }
    }

    pub fn index(&self) -> usize {
        self.index
    }

    pub fn wake(&self) {
        self.waker.wake_by_ref();
    }
}
