//! How a transfer thread is woken. Below everything that wakes one: the disk side knows no more of it.

use std::task::Waker;

/// Wakes a worker from its sleep; cheap to clone.
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
