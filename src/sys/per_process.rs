//! A static value that a forked child does not share with its parent.

use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::process;

/// A value of each process, created when the process first uses it. A forked child must not use its parent's: another
/// thread of the parent may have held its lock at the time of the fork, and nobody would release the copy.
pub struct PerProcess<T: 'static> {
    current: AtomicPtr<Owned<T>>,
}

struct Owned<T> {
    process: u32,
    value: T,
}

impl<T: Default + Send + Sync> PerProcess<T> {
    pub const fn new() -> Self {
        PerProcess { current: AtomicPtr::new(ptr::null_mut()) }
    }

    /// The value of this process.
    pub fn get(&'static self) -> &'static T {
        let process = process::id();
        loop {
            let current = self.current.load(Ordering::Acquire);
            // SAFETY: null, or a pointer from `Box::into_raw` below, published with its contents and never freed.
            if let Some(owned) = unsafe { current.as_ref() }
                && owned.process == process
            {
                return &owned.value;
            }
            let new = Box::into_raw(Box::new(Owned { process, value: T::default() }));
            if self
                .current
                .compare_exchange(current, new, Ordering::AcqRel, Ordering::Relaxed)
                .is_err()
            {
                // SAFETY: created above and published to nobody. Another thread was faster.
                drop(unsafe { Box::from_raw(new) });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    static VALUE: PerProcess<Mutex<u32>> = PerProcess::new();

    #[test]
    fn a_forked_child_has_a_value_of_its_own_even_if_the_parents_is_locked() {
        let mut value = VALUE.get().lock().expect("lock");
        *value = 7;
        assert!(ptr::eq(VALUE.get(), VALUE.get()));
        // SAFETY: the child only looks at the value and ends with `_exit`.
        let status = unsafe {
            let child = libc::fork();
            if child == 0 {
                let is_new = VALUE.get().try_lock().is_ok_and(|value| *value == 0);
                libc::_exit(i32::from(!is_new));
            }
            let mut status = -1;
            libc::waitpid(child, &raw mut status, 0);
            status
        };
        assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0);
        assert_eq!(*value, 7);
    }
}
