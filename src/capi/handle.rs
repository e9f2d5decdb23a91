//! Handles: reference-counted, so that a call in progress outlives a `_free`, and bound to their process.

use std::mem;

use super::allocation::OutOfMemory;
use super::counted::Counted;
use super::failure::{Failure, Result};
use crate::sys::process;

/// The process that created a handle.
#[derive(Clone, Copy)]
pub struct Birthplace(u32);

impl Birthplace {
    /// This process.
    pub fn here() -> Self {
        Birthplace(process::id())
    }

    /// Refuses in a forked child: the threads that serve the handle exist only in the parent.
    pub fn check(self) -> Result<()> {
        if self.is_here() { Ok(()) } else { Err(Failure::Forked) }
    }

    fn is_here(self) -> bool {
        self.0 == process::id()
    }
}

/// The object that a C handle points to.
pub trait Handle: Sized {
    /// Its name in error messages.
    const NAME: &'static str;
    /// The process in which it was created.
    fn birthplace(&self) -> Birthplace;

    /// Gives the caller a pointer, which [`Handle::take`] takes back.
    fn give(self) -> Result<*mut Self, OutOfMemory> {
        Ok(Counted::new(self)?.into_raw())
    }

    /// Keeps the object alive while a call uses it.
    ///
    /// # Safety
    /// `handle` is NULL or was given and not yet taken back.
    unsafe fn hold(handle: *const Self) -> Result<Counted<Self>> {
        if handle.is_null() {
            return Err(Failure::validation(format_args!("the {} is NULL", Self::NAME)));
        }
        // SAFETY: given and not yet taken back, by this function's contract.
        let held = unsafe { Counted::another(handle) };
        held.birthplace().check()?;
        Ok(held)
    }

    /// Takes the handle back from the caller; `None` for NULL. In a forked child it is leaked, because its threads and
    /// locks cannot be released there.
    ///
    /// # Safety
    /// As [`Handle::hold`]; the caller does not use it again.
    unsafe fn take(handle: *mut Self) -> Option<Counted<Self>> {
        if handle.is_null() {
            return None;
        }
        // SAFETY: given once and taken back once, by this function's contract.
        let taken = unsafe { Counted::from_raw(handle) };
        if taken.birthplace().is_here() {
            return Some(taken);
        }
        mem::forget(taken);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr;
    use std::sync::Arc;

    struct Thing(Birthplace, #[allow(dead_code)] Arc<()>);

    impl Handle for Thing {
        const NAME: &'static str = "thing";
        fn birthplace(&self) -> Birthplace {
            self.0
        }
    }

    #[test]
    fn what_a_call_holds_outlives_the_free() {
        let inside = Arc::new(());
        let handle = Thing(Birthplace::here(), Arc::clone(&inside)).give().expect("memory");
        // SAFETY: given above, taken once.
        let (held, taken) = unsafe { (Thing::hold(handle).expect("hold"), Thing::take(handle)) };
        drop(taken);
        assert_eq!(Arc::strong_count(&inside), 2);
        drop(held);
        assert_eq!(Arc::strong_count(&inside), 1);
    }

    #[test]
    fn in_another_process_a_handle_is_refused_and_leaked() {
        let inside = Arc::new(());
        let elsewhere = Birthplace(process::id().wrapping_add(1));
        let handle = Thing(elsewhere, Arc::clone(&inside)).give().expect("memory");
        // SAFETY: given above, taken once.
        unsafe {
            let error = Thing::hold(handle).map(|_| ()).expect_err("refused");
            assert!(matches!(error, Failure::Forked));
            assert!(Thing::take(handle).is_none());
        }
        assert_eq!(Arc::strong_count(&inside), 2);
    }

    #[test]
    fn null_is_refused_by_a_call_and_ignored_by_free() {
        // SAFETY: NULL is allowed.
        unsafe {
            assert!(Thing::hold(ptr::null()).is_err());
            assert!(Thing::take(ptr::null_mut()).is_none());
        }
    }
}
