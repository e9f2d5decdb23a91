//! Workers wait for buffers and are woken, in every order.

use std::sync::Arc;
use std::task::Wake;

use super::*;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::scheduled::explore;
use crate::sync::{Condvar, thread};

/// A worker's sleep: rung once, it wakes the next sleeper or the one to come, as libcurl's does.
#[derive(Default)]
pub struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Bell {
    pub fn sleep(&self) {
        let mut rung = self.rung.lock();
        while !*rung {
            self.changed.wait(&mut rung);
        }
        *rung = false;
    }

    pub fn worker(self: &Arc<Self>, index: usize) -> WorkerWaker {
        WorkerWaker::new(index, self.clone().into())
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        *self.rung.lock() = true;
        self.changed.notify_all();
    }
}

/// No buffer is out, none is kept without need, nobody waits.
pub fn assert_at_rest(buffers: &Buffers) {
    let state = buffers.state.lock();
    assert_eq!((state.existing, state.free.len(), state.limit), (0, 0, 0));
    assert!(state.waiting.is_empty());
}

/// Takes a buffer, asleep until there is one.
fn take(buffers: &Buffers, bell: &Arc<Bell>, index: usize) -> Vec<u8> {
    loop {
        match buffers.take(&bell.worker(index)) {
            Some(buffer) => return buffer,
            None => bell.sleep(),
        }
    }
}

#[test]
fn who_waits_for_a_buffer_is_woken_and_no_more_exist_than_are_reserved() {
    explore(|| {
        let buffers = Arc::new(Buffers::default());
        let out = Arc::new(AtomicUsize::new(0));
        buffers.reserve(2);
        let workers: Vec<_> = (0..3)
            .map(|index| {
                let (buffers, out, bell) = (buffers.clone(), out.clone(), Arc::<Bell>::default());
                thread::spawn(move || {
                    for _ in 0..2 {
                        let buffer = take(&buffers, &bell, index);
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
fn a_download_that_ends_takes_its_share_of_the_buffers_along() {
    explore(|| {
        let buffers = Arc::new(Buffers::default());
        let downloads: Vec<_> = (0..2)
            .map(|index| {
                let (buffers, bell) = (buffers.clone(), Arc::<Bell>::default());
                thread::spawn(move || {
                    buffers.reserve(1);
                    let first = take(&buffers, &bell, index);
                    let more = buffers.take(&bell.worker(index));
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
