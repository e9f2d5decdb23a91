//! `exit()` while threads of this library are at work.
//!
//! OpenSSL registers a handler that frees, at `exit()`, what TLS connections use, whoever uses them. The handler here
//! is registered later and so runs before it: whoever works with OpenSSL or libcurl holds a [`ExitGuard`] meanwhile, and
//! from the handler on nobody gets one. It waits for those that are held, but never for long.

use std::cell::Cell;
use std::process;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::model::error::{Error, ErrorKind, Result};

/// Longest time that `exit()` waits for work in progress, such as a write to a slow disk.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_micros(200);

/// No hold is given any more.
static EXITING: AtomicBool = AtomicBool::new(false);
/// `exit()` has gone on although holds are out.
static ABANDONED: AtomicBool = AtomicBool::new(false);
/// The process in the upper half, its holds in the lower one. A forked child's parent's holds are none of the child's.
static GUARDS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static OWN_GUARDS: Cell<u64> = const { Cell::new(0) };
}

/// Registers the handler, once. OpenSSL and libcurl are initialised before, so that theirs come later.
pub fn prepare() {
    static PREPARED: Once = Once::new();
    PREPARED.call_once(|| {
        openssl::init();
        curl::init();
        // SAFETY: the handler touches nothing but statics. This library stays loaded until the process ends.
        unsafe { libc::atexit(quiesce) };
    });
}

/// The way to holds, for threads of one process.
#[derive(Clone, Copy)]
pub struct ExitBarrier {
    process: u64,
}

/// While it lives, `exit()` waits.
pub struct ExitGuard(());

impl ExitBarrier {
    pub fn here() -> Self {
        ExitBarrier { process: u64::from(process::id()) << 32 }
    }

    /// None when the process is exiting.
    pub fn enter(self) -> Option<ExitGuard> {
        // This comes before the look at the flag, as the handler's flag comes before its look at the holds: one of the
        // two sees the other.
        let _ = GUARDS.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |holds| {
            Some(if guards_of(holds, self.process).is_some() {
                holds + 1
            } else {
                self.process + 1
            })
        });
        let _ = OWN_GUARDS.try_with(|held| held.set(held.get() + 1));
        let hold = ExitGuard(());
        (!EXITING.load(Ordering::SeqCst)).then_some(hold)
    }
}

impl Drop for ExitGuard {
    fn drop(&mut self) {
        GUARDS.fetch_sub(1, Ordering::SeqCst);
        let _ = OWN_GUARDS.try_with(|held| held.set(held.get().saturating_sub(1)));
    }
}

/// A hold for a short piece of work with OpenSSL.
pub fn guard() -> Result<ExitGuard> {
    ExitBarrier::here().enter().ok_or_else(exiting)
}

/// Why nothing works any more.
pub fn exiting() -> Error {
    Error::new(ErrorKind::Cancelled, "Cancelled", "the process is exiting")
}

/// Whether `exit()` has gone on without threads that it could not wait for: they are stopped, or will be.
pub fn has_abandoned_threads() -> bool {
    ABANDONED.load(Ordering::Relaxed)
}

/// Stops this thread for ever when `exit()` could not wait for its hold. To be called after whatever takes long.
pub fn park_if_abandoned() {
    while has_abandoned_threads() {
        thread::park();
    }
}

/// How many holds `process` has; none when they are another process's.
fn guards_of(holds: u64, process: u64) -> Option<u64> {
    (holds >> 32 == process >> 32).then_some(holds & u64::from(u32::MAX))
}

extern "C" fn quiesce() {
    let gate = ExitBarrier::here();
    EXITING.store(true, Ordering::SeqCst);
    // A callback may have called `exit()` on a thread that holds.
    let own = OWN_GUARDS.try_with(Cell::get).unwrap_or(0);
    let until = Instant::now() + LONGEST_WAIT;
    let busy = || guards_of(GUARDS.load(Ordering::SeqCst), gate.process).is_some_and(|n| n > own);
    while busy() {
        if Instant::now() >= until {
            ABANDONED.store(true, Ordering::Relaxed);
            return;
        }
        thread::sleep(LOOK_EVERY);
    }
}
