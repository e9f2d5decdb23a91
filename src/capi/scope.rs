//! Tracks which calls and callbacks a thread is in, so that a `_free` inside a callback can be deferred to its end.

use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

use parking_lot::Mutex;

use super::counted::{Counted, Inner};
use super::failure::{Failure, Result};
use crate::sys::thread;

/// A handle that its caller has freed.
pub trait Release: Send + Sync {
    /// Its place in a list of such handles.
    fn next(&self) -> &Next;

    /// Ends what it stands for. What it holds is dropped later, with its last owner.
    fn release(&self) {}
}

/// The next of the handles that a thread has freed inside a callback. It is a part of each handle, so that freeing needs
/// no memory.
#[derive(Default)]
pub struct Next(Mutex<Option<Counted<dyn Release>>>);

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
    /// The handles to release, linked by their `Next`.
    /// Without a destructor, which would need memory to be registered: when the call ends, the list is empty.
    static DEFERRED: Cell<ManuallyDrop<Option<Counted<dyn Release>>>> =
        const { Cell::new(ManuallyDrop::new(None)) };
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
    while let Some(handle) = replace_deferred(None) {
        replace_deferred(handle.next().0.lock().take());
        handle.release();
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

/// Refuses on one of the library's threads, which runs a callback: it would wait for itself.
pub fn may_wait() -> Result<()> {
    if WITHIN.get() == Within::LibraryThread {
        return Err(Failure::validation(format_args!(
            "a callback on a thread of the library must not wait for a download or an event"
        )));
    }
    Ok(())
}

/// Releases a handle now, or, inside a callback, after the callback: at the end of the API call that made the callback,
/// or on a new thread when one of the library's threads made it, because the release may have to join that thread.
pub fn after_callbacks<T: Release + 'static>(handle: Counted<T>) {
    match WITHIN.get() {
        Within::None => handle.release(),
        Within::Call => defer(handle),
        Within::LibraryThread => release_elsewhere(handle),
    }
}

fn defer<T: Release + 'static>(handle: Counted<T>) {
    let handle: NonNull<Inner<dyn Release>> = handle.into_inner();
    // SAFETY: given away in the line above.
    let handle = unsafe { Counted::from_inner(handle) };
    *handle.next().0.lock() = replace_deferred(None);
    replace_deferred(Some(handle));
}

/// Sets the first of the deferred handles; returns the former one.
fn replace_deferred(first: Option<Counted<dyn Release>>) -> Option<Counted<dyn Release>> {
    ManuallyDrop::into_inner(DEFERRED.replace(ManuallyDrop::new(first)))
}

fn release_elsewhere<T: Release + 'static>(handle: Counted<T>) {
    // Without a thread the handle is leaked. It must not be dropped here, because that could join the current thread.
    let handle = ManuallyDrop::new(handle);
    let _ = thread::spawn("oss-free", move || ManuallyDrop::into_inner(handle).release());
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::thread::ThreadId;

    /// Reports its number and the thread on which it is released.
    struct Reporting {
        next: Next,
        number: u32,
        report: Sender<(u32, ThreadId)>,
    }

    impl Release for Reporting {
        fn next(&self) -> &Next {
            &self.next
        }

        fn release(&self) {
            self.report.send((self.number, std::thread::current().id())).expect("send");
        }
    }

    fn handles() -> (impl Fn(u32) -> Counted<Reporting>, Receiver<(u32, ThreadId)>) {
        let (report, reports) = channel();
        let handle = move |number| {
            let report = report.clone();
            Counted::new(Reporting { next: Next::default(), number, report }).expect("memory")
        };
        (handle, reports)
    }

    #[test]
    fn outside_callbacks_a_handle_is_released_at_once() {
        let (handle, reports) = handles();
        after_callbacks(handle(1));
        assert_eq!(reports.try_recv(), Ok((1, std::thread::current().id())));
    }

    #[test]
    fn inside_a_callback_of_a_call_handles_are_released_when_the_outermost_call_ends() {
        let (handle, reports) = handles();
        let call = Call::enter();
        callback(|| {
            let _inner = Call::enter();
            (1..=3).for_each(|number| after_callbacks(handle(number)));
        });
        assert!(reports.try_recv().is_err());
        drop((call, handle));
        let mut released: Vec<_> = reports.into_iter().map(|(number, _)| number).collect();
        released.sort_unstable();
        assert_eq!(released, [1, 2, 3]);
    }

    #[test]
    fn inside_a_callback_of_a_library_thread_a_handle_is_released_on_another_thread() {
        let (handle, reports) = handles();
        callback(|| {
            assert!(may_wait().is_err());
            let _call = Call::enter();
            after_callbacks(handle(1));
        });
        assert_ne!(reports.recv().expect("released").1, std::thread::current().id());
        assert!(may_wait().is_ok());
    }
}
