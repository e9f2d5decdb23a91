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

/// Ends this process with SIGALRM after this many seconds.
pub fn die_after(seconds: u32) {
    // SAFETY: no memory is passed.
    unsafe { libc::alarm(seconds) };
}

static INTERRUPTS: AtomicU32 = AtomicU32::new(0);

/// Counts SIGINTs from now on instead of being killed by the first. System calls that they interrupt are not restarted.
pub fn catch_interrupts() {
    extern "C" fn count(_: libc::c_int) {
        INTERRUPTS.fetch_add(1, Ordering::SeqCst);
    }
    // SAFETY: the action is zeroed (an empty mask and no flags) and has a handler that only counts.
    let installed = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = count as extern "C" fn(libc::c_int) as libc::sighandler_t;
        libc::sigaction(libc::SIGINT, &action, std::ptr::null_mut())
    };
    assert_eq!(installed, 0);
}

/// Restores the default action of SIGINT, which ends this process. A process that a shell started in the background
/// ignores it, and so do its children.
pub fn die_of_interrupts() {
    // SAFETY: no memory is passed.
    assert_ne!(unsafe { libc::signal(libc::SIGINT, libc::SIG_DFL) }, libc::SIG_ERR);
}

/// SIGINTs caught so far.
pub fn interrupts() -> u32 {
    INTERRUPTS.load(Ordering::SeqCst)
}

/// Makes threads that start from now on share the existing memory pools, so that free memory in pools hardly affects
/// the result.
pub fn share_memory_pools() {
    // SAFETY: no memory is passed.
    assert_eq!(unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) }, 1);
}

/// Makes the allocator return free memory to the system.
pub fn give_free_memory_back() {
    // SAFETY: it moves no memory that is in use.
    unsafe { libc::malloc_trim(0) };
}

/// Registers `handler` to be called when the process exits.
pub fn at_exit(handler: extern "C" fn()) {
    // SAFETY: a function of this program, which is never unloaded.
    assert_eq!(unsafe { libc::atexit(handler) }, 0);
}
