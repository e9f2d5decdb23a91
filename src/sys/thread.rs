//! Threads that do not handle the host's signals.

use std::io;
use std::mem::MaybeUninit;
use std::ptr;

use crate::sync::thread::{Builder, JoinHandle};

use super::panic::{Defect, catch};

/// The handle of a thread started here.
pub type Joined = JoinHandle<Result<(), Defect>>;

/// Starts a thread in which every signal that can be blocked is blocked: the host's handlers never run on it, and a
/// broken pipe is an error code. Faults (SIGSEGV and the like) stay unblocked for the host's crash handler. A panic is
/// not printed but returned by the join.
pub fn spawn<T: Send + 'static>(
    name: &str,
    body: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<Result<T, Defect>>> {
    let _mask = SignalMask::block();
    Builder::new().name(name.to_owned()).spawn(move || catch(body))
}

/// The calling thread's former signal mask, restored on drop; a thread started meanwhile inherits the blocked one.
struct SignalMask(libc::sigset_t);

impl SignalMask {
    fn block() -> Option<Self> {
        let mut all = MaybeUninit::<libc::sigset_t>::uninit();
        let mut former = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: both sets are owned by this frame and initialised by the calls before they are read;
        // the former mask is read only when the call that fills it succeeded.
        unsafe {
            libc::sigfillset(all.as_mut_ptr());
            for fault in [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP] {
                libc::sigdelset(all.as_mut_ptr(), fault);
            }
            if libc::pthread_sigmask(libc::SIG_BLOCK, all.as_ptr(), former.as_mut_ptr()) != 0 {
                return None;
            }
            Some(SignalMask(former.assume_init()))
        }
    }
}

impl Drop for SignalMask {
    fn drop(&mut self) {
        // SAFETY: the mask was filled by `block` on this same thread.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &self.0, ptr::null_mut());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocked(signal: libc::c_int) -> bool {
        let mut mask = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: with a null new mask the call only fills `mask`.
        unsafe {
            libc::pthread_sigmask(libc::SIG_BLOCK, ptr::null(), mask.as_mut_ptr());
            libc::sigismember(mask.as_ptr(), signal) == 1
        }
    }

    #[test]
    fn signals_are_blocked_in_the_new_thread_and_not_in_the_caller() {
        let inside = spawn("signals", || (blocked(libc::SIGINT), blocked(libc::SIGPIPE)));
        assert_eq!(inside.expect("spawn").join().expect("join"), Ok((true, true)));
        assert!(!blocked(libc::SIGINT));
    }
}
