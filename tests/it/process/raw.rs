//! The few system calls that the tests of processes make themselves.
#![allow(unsafe_code)]

use std::process::Child;
use std::sync::atomic::{AtomicU32, Ordering};

/// Sends `signal` to a child that has not been waited for.
pub fn signal(child: &Child, signal: i32) {
    let pid = i32::try_from(child.id()).expect("a process id");
    // SAFETY: no memory is passed; the id is the child's for as long as nobody has waited for it.
    assert_eq!(unsafe { libc::kill(pid, signal) }, 0, "{}", std::io::Error::last_os_error());
}

/// Kills this process.
pub fn kill_this_process() -> ! {
    // SAFETY: no memory is passed.
    unsafe { libc::raise(libc::SIGKILL) };
    unreachable!("SIGKILL cannot be survived")
}

/// Ends this process by SIGALRM after so many seconds.
pub fn die_after(seconds: u32) {
    // SAFETY: no memory is passed.
    unsafe { libc::alarm(seconds) };
}

static INTERRUPTS: AtomicU32 = AtomicU32::new(0);

/// Counts SIGINTs from now on instead of dying of the first. System calls they interrupt are not restarted.
pub fn catch_interrupts() {
    extern "C" fn count(_: libc::c_int) {
        INTERRUPTS.fetch_add(1, Ordering::SeqCst);
    }
    // SAFETY: the action is zeroed, which is an empty mask and no flags, and has a handler that only counts.
    let installed = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = count as extern "C" fn(libc::c_int) as libc::sighandler_t;
        libc::sigaction(libc::SIGINT, &action, std::ptr::null_mut())
    };
    assert_eq!(installed, 0);
}

/// Has SIGINT end this process, as it does by default. A process that a shell started in the background ignores it,
/// and so do its children.
pub fn die_of_interrupts() {
    // SAFETY: no memory is passed.
    assert_ne!(unsafe { libc::signal(libc::SIGINT, libc::SIG_DFL) }, libc::SIG_ERR);
}

/// SIGINTs caught so far.
pub fn interrupts() -> u32 {
    INTERRUPTS.load(Ordering::SeqCst)
}

/// Has threads that start from now on share the memory pools there are, so that what recoverable free in pools says little.
pub fn share_memory_pools() {
    // SAFETY: no memory is passed.
    assert_eq!(unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) }, 1);
}

/// Has the allocator return what is free to the system.
pub fn give_free_memory_back() {
    // SAFETY: it moves no memory that is in use.
    unsafe { libc::malloc_trim(0) };
}

/// Has `handler` called when the process exits.
pub fn at_exit(handler: extern "C" fn()) {
    // SAFETY: a function of this program, which is never unloaded.
    assert_eq!(unsafe { libc::atexit(handler) }, 0);
}
