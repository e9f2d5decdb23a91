//! Tracks which calls and callbacks a thread is in, so that a `_free` inside a callback can be deferred to its end.

use std::cell::{Cell, RefCell};
use std::mem;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::model::error::{Error, Result};
use crate::sys::thread;

type Job = Box<dyn FnOnce() + Send>;

/// Where the outermost callback on this thread was called from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    /// No callback is running.
    None,
    /// A callback on the caller's own thread, inside a call of this API.
    Call,
    /// A callback on one of the library's threads.
    LibraryThread,
}

thread_local! {
    static CALLS: Cell<u32> = const { Cell::new(0) };
    static WITHIN: Cell<Within> = const { Cell::new(Within::None) };
    static DEFERRED: RefCell<Vec<Job>> = const { RefCell::new(Vec::new()) };
}

/// While this value exists, the thread is inside a call of the C API.
pub struct Call;

impl Call {
    pub fn enter() -> Self {
        CALLS.set(CALLS.get().saturating_add(1));
        Call
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let depth = CALLS.get().saturating_sub(1);
        CALLS.set(depth);
        if depth == 0 && WITHIN.get() == Within::None {
            run_deferred();
        }
    }
}

fn run_deferred() {
    loop {
        let Some(job) = DEFERRED.with_borrow_mut(Vec::pop) else { return };
        job();
    }
}

/// Runs a callback of the caller.
pub fn callback<T>(body: impl FnOnce() -> T) -> T {
    let former = WITHIN.get();
    if former == Within::None {
        WITHIN.set(if CALLS.get() > 0 { Within::Call } else { Within::LibraryThread });
    }
    let answer = body();
    WITHIN.set(former);
    answer
}

/// Refuses on one of the library's threads, which runs a callback: it would wait for itself. `what` is waited for.
pub fn may_wait(what: &str) -> Result<()> {
    if WITHIN.get() == Within::LibraryThread {
        return Err(Error::validation(format!(
            "a callback on a thread of the library must not wait for {what}"
        )));
    }
    Ok(())
}

/// Runs `job` now, or, inside a callback, after the callback: at the end of the API call that made the callback, or on
/// a new thread when one of the library's threads made it, because `job` may have to join that thread.
pub fn after_callbacks(job: impl FnOnce() + Send + 'static) {
    match WITHIN.get() {
        Within::None => job(),
        Within::Call => DEFERRED.with_borrow_mut(|jobs| jobs.push(Box::new(job))),
        Within::LibraryThread => run_elsewhere(Box::new(job)),
    }
}

fn run_elsewhere(job: Job) {
    let parcel = Arc::new(Mutex::new(Some(job)));
    let delivered = Arc::clone(&parcel);
    let started = thread::spawn("oss-free", move || {
        let job = delivered.lock().take();
        if let Some(job) = job {
            job();
        }
    });
    if started.is_err() {
        // Without a thread the job cannot run. It must not be dropped here, because that could join the current thread.
        mem::forget(parcel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc;

    #[test]
    fn outside_callbacks_a_job_runs_at_once() {
        let (send, receive) = mpsc::channel();
        after_callbacks(move || send.send(1).expect("send"));
        assert_eq!(receive.try_recv(), Ok(1));
    }

    #[test]
    fn inside_a_callback_of_a_call_a_job_runs_when_the_outermost_call_ends() {
        let ran = Arc::new(AtomicBool::new(false));
        let call = Call::enter();
        let flag = Arc::clone(&ran);
        callback(move || {
            let _inner = Call::enter();
            after_callbacks(move || flag.store(true, Ordering::SeqCst));
        });
        assert!(!ran.load(Ordering::SeqCst));
        drop(call);
        assert!(ran.load(Ordering::SeqCst));
    }

    #[test]
    fn inside_a_callback_of_a_library_thread_a_job_runs_on_another_thread() {
        let (send, receive) = mpsc::channel();
        callback(move || {
            assert!(may_wait("anything").is_err());
            let _call = Call::enter();
            after_callbacks(move || send.send(std::thread::current().id()).expect("send"));
        });
        assert_ne!(receive.recv().expect("ran"), std::thread::current().id());
        assert!(may_wait("anything").is_ok());
    }
}
