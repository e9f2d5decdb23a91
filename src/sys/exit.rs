//! Handling of `exit()` while threads of this library are running.
//!
//! OpenSSL registers an exit handler that frees data of TLS connections even if they are in use. The handler here is
//! registered later and so runs earlier. A thread holds an [`ExitGuard`] while it uses OpenSSL or libcurl; once the
//! handler runs, no more guards are issued. The handler waits for existing guards, but only for a limited time.
//!
//! A thread that has used OpenSSL uses it once more when it ends, in a destructor that no guard can span. So a thread of
//! this library frees OpenSSL's data itself, under its last guard ([`release_openssl`]), and if it gets no guard it does
//! not end. Threads of the host that have called this library are the host's to end before `exit()`.

use std::cell::Cell;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::process;
use crate::model::error::{Error, ErrorKind, Result};

/// Longest time that `exit()` waits for work in progress, such as a write to a slow disk.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
const CHECK_INTERVAL: Duration = Duration::from_micros(200);

/// No more guards are issued.
static EXITING: AtomicBool = AtomicBool::new(false);
/// `exit()` continued although guards existed.
static ABANDONED: AtomicBool = AtomicBool::new(false);
/// The process id in the upper half, the number of its guards in the lower one. A forked child does not own its
/// parent's guards.
static GUARDS: AtomicU64 = AtomicU64::new(0);

unsafe extern "C" {
    /// Not declared in openssl-sys.
    fn OPENSSL_thread_stop();
}

thread_local! {
    static OWN_GUARDS: Cell<u64> = const { Cell::new(0) };
}

/// Registers the handler once. OpenSSL and libcurl are initialised first, so that their handlers run later.
pub fn prepare() {
    static PREPARED: Once = Once::new();
    PREPARED.call_once(|| {
        openssl::init();
        curl::init();
        // SAFETY: the handler touches nothing but statics. This library stays loaded until the process ends.
        unsafe { libc::atexit(quiesce) };
    });
}

/// Issues guards to the threads of one process.
#[derive(Clone, Copy)]
pub struct ExitBarrier {
    process: u64,
}

/// `exit()` waits while a guard exists.
pub struct ExitGuard(());

impl ExitBarrier {
    pub fn here() -> Self {
        ExitBarrier { process: u64::from(process::id()) << 32 }
    }

    /// `None` if the process is exiting.
    pub fn enter(self) -> Option<ExitGuard> {
        // The count is incremented before the flag is read, and the handler sets the flag before it reads the count: at
        // least one of the two sees the other's write.
        let _ = GUARDS.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |guards| {
            Some(if guards_of(guards, self.process).is_some() {
                guards + 1
            } else {
                self.process + 1
            })
        });
        let _ = OWN_GUARDS.try_with(|own| own.set(own.get() + 1));
        let guard = ExitGuard(());
        (!EXITING.load(Ordering::SeqCst)).then_some(guard)
    }
}

impl Drop for ExitGuard {
    fn drop(&mut self) {
        GUARDS.fetch_sub(1, Ordering::SeqCst);
        let _ = OWN_GUARDS.try_with(|own| own.set(own.get().saturating_sub(1)));
    }
}

/// A guard for a short use of OpenSSL.
pub fn guard() -> Result<ExitGuard> {
    ExitBarrier::here().enter().ok_or_else(exiting)
}

/// The error of every call while the process exits.
pub fn exiting() -> Error {
    Error::new(ErrorKind::Cancelled, "Cancelled", "the process is exiting")
}

/// Whether `exit()` continued without threads that it could not wait for: they are parked, or will be.
pub fn has_abandoned_threads() -> bool {
    ABANDONED.load(Ordering::Relaxed)
}

/// Frees what OpenSSL has stored for this thread, which then does not use OpenSSL when it ends. An error if the process
/// is exiting: then the thread must [`park`]. To be called last: a later use of OpenSSL would store data again.
pub fn release_openssl() -> Result<()> {
    let _exit_guard = guard()?;
    // SAFETY: this thread owns the data and does not use OpenSSL while they are freed. The guard keeps OpenSSL's exit
    // handler from running meanwhile.
    unsafe { OPENSSL_thread_stop() };
    Ok(())
}

/// Parks this thread for ever.
pub fn park() -> ! {
    loop {
        thread::park();
    }
}

/// Parks this thread for ever if `exit()` did not wait for its guard. To be called after every long operation.
pub fn park_if_abandoned() {
    if has_abandoned_threads() {
        park();
    }
}

/// The number of guards of `process`; `None` if they belong to another process.
fn guards_of(guards: u64, process: u64) -> Option<u64> {
    (guards >> 32 == process >> 32).then_some(guards & u64::from(u32::MAX))
}

extern "C" fn quiesce() {
    let barrier = ExitBarrier::here();
    EXITING.store(true, Ordering::SeqCst);
    // A callback may have called `exit()` on a thread that has guards.
    let own = OWN_GUARDS.try_with(Cell::get).unwrap_or(0);
    let until = Instant::now() + LONGEST_WAIT;
    let busy =
        || guards_of(GUARDS.load(Ordering::SeqCst), barrier.process).is_some_and(|n| n > own);
    while busy() {
        if Instant::now() >= until {
            ABANDONED.store(true, Ordering::Relaxed);
            return;
        }
        thread::sleep(CHECK_INTERVAL);
    }
}
