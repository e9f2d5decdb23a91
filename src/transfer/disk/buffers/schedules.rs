//! Workers wait for buffers and are woken, under many schedules.

use std::sync::Arc;
use std::task::Wake;

use super::*;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::scheduled::explore;
use crate::sync::{Condvar, thread};

/// A test's worker waker: a wake without a sleeper wakes the next one, as libcurl's does.
#[derive(Default)]
pub struct TestWaker {
    woken: Mutex<bool>,
    changed: Condvar,
}

impl TestWaker {
    pub fn sleep(&self) {
        let mut woken = self.woken.lock();
        while !*woken {
            self.changed.wait(&mut woken);
        }
        *woken = false;
    }

    pub fn worker(self: &Arc<Self>, index: usize) -> WorkerWaker {
        WorkerWaker::new(index, self.clone().into())
    }
}

impl Wake for TestWaker {
    fn wake(self: Arc<Self>) {
        *self.woken.lock() = true;
        self.changed.notify_all();
    }
}

/// Asserts that no buffer is in use, none is kept unnecessarily and nobody waits.
pub fn assert_at_rest(buffers: &Buffers) {
    let state = buffers.state.lock();
    assert_eq!((state.existing, state.free.len(), state.limit), (0, 0, 0));
    assert!(state.waiting.is_empty());
}

/// Takes a buffer; sleeps until there is one.
fn take(buffers: &Buffers, waker: &Arc<TestWaker>, index: usize) -> AlignedBuffer {
    loop {
        match buffers.take(&waker.worker(index)) {
            Some(buffer) => return buffer,
            None => waker.sleep(),
        }
    }
}

#[test]
fn waiting_workers_are_woken_and_no_more_buffers_exist_than_are_reserved() {
    explore(|| {
        let buffers = Arc::new(Buffers::default());
        let out = Arc::new(AtomicUsize::new(0));
        buffers.reserve(2);
        let workers: Vec<_> = (0..3)
            .map(|index| {
                let (buffers, out, waker) =
                    (buffers.clone(), out.clone(), Arc::<TestWaker>::default());
                thread::spawn(move || {
                    for _ in 0..2 {
                        let buffer = take(&buffers, &waker, index);
                        assert!(buffer.is_empty());
                        assert!(out.fetch_add(1, Ordering::SeqCst) < 2, "more than reserved");
                        out.fetch_sub(1, Ordering::SeqCst);
                        buffers.give_back(buffer);
                    }
                })
            })
            .collect();
        workers.into_iter().for_each(|worker| worker.join().expect("worker"));
        buffers.release(2);
        assert_at_rest(&buffers);
    });
}

#[test]
fn the_buffers_of_a_download_are_freed_when_it_ends() {
    explore(|| {
        let buffers = Arc::new(Buffers::default());
        let downloads: Vec<_> = (0..2)
            .map(|index| {
                let (buffers, waker) = (buffers.clone(), Arc::<TestWaker>::default());
                thread::spawn(move || {
                    buffers.reserve(1);
                    let first = take(&buffers, &waker, index);
                    let more = buffers.take(&waker.worker(index));
                    let existing = buffers.state.lock().existing;
                    assert!(existing <= 2, "{existing} buffers for two downloads of one");
                    [Some(first), more].into_iter().flatten().for_each(|b| buffers.give_back(b));
                    buffers.release(1);
                })
            })
            .collect();
        downloads.into_iter().for_each(|download| download.join().expect("download"));
        buffers.state.lock().waiting.clear();
        assert_at_rest(&buffers);
    });
}
