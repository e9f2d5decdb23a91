//! Threads that do not handle the host's signals and do not disturb `exit()` when they end.

use std::io;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::Arc;

use crate::sync::thread::{Builder, JoinHandle, ThreadId};
use crate::sync::{Condvar, Mutex};

use super::exit;
use super::panic::{Defect, catch};

/// The handle of a thread started here.
pub struct Joined {
    handle: JoinHandle<()>,
    end: Arc<End>,
}

impl Joined {
    pub fn id(&self) -> ThreadId {
        self.handle.thread().id()
    }

    /// Waits until the thread's body has returned, and until the thread has ended unless it is parked because the
    /// process is exiting. A panic in the body is not printed but returned here.
    pub fn join(self) -> Result<(), Defect> {
        let Returned { result, is_parked } = self.end.wait();
        if !is_parked {
            // The thread has caught the only panic that could be returned here.
            let _ = self.handle.join();
        }
        result
    }
}

/// Tells the joining thread that a thread's body has returned.
#[derive(Default)]
struct End {
    returned: Mutex<Option<Returned>>,
    published: Condvar,
}

struct Returned {
    result: Result<(), Defect>,
    /// The thread will never end.
    is_parked: bool,
}

impl End {
    fn publish(&self, returned: Returned) {
        *self.returned.lock() = Some(returned);
        self.published.notify_all();
    }

    fn wait(&self) -> Returned {
        let mut returned = self.returned.lock();
        loop {
            if let Some(returned) = returned.take() {
                return returned;
            }
            self.published.wait(&mut returned);
        }
    }
}

/// Starts a thread in which every signal that can be blocked is blocked: the host's handlers never run on it, and a
/// broken pipe is an error code. Faults (SIGSEGV and the like) stay unblocked for the host's crash handler.
///
/// When `body` returns while the process is exiting, the thread parks instead of ending: its end would use OpenSSL.
pub fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<Joined> {
    let _mask = SignalMask::block();
    let end = Arc::new(End::default());
    let own_end = end.clone();
    let handle = Builder::new().name(name.to_owned()).spawn(move || {
        let result = catch(body);
        let is_parked = exit::release_openssl().is_err();
        own_end.publish(Returned { result, is_parked });
        if is_parked {
            exit::park();
        }
    })?;
    Ok(Joined { handle, end })
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
    use std::sync::mpsc::channel;

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
        let (sender, inside) = channel();
        let thread = spawn("signals", move || {
            let _ = sender.send((blocked(libc::SIGINT), blocked(libc::SIGPIPE)));
        });
        assert_eq!(thread.expect("spawn").join(), Ok(()));
        assert_eq!(inside.recv(), Ok((true, true)));
        assert!(!blocked(libc::SIGINT));
    }

    #[test]
    fn a_panic_is_returned_by_the_join() {
        let thread = spawn("panics", || panic!("in a thread")).expect("spawn");
        assert!(thread.join().is_err());
    }
}
