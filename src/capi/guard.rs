//! The wrapper around every exported function: no panic crosses the boundary or is printed, and `_free` calls made
//! inside callbacks are deferred.

use super::codes::{self, OSS_RESUMABLE_ERR_INTERNAL, oss_resumable_code};
use super::error_object::oss_resumable_error;
use super::scope::Call;
use crate::model::error::{Error, Result};
use crate::sys::panic;

/// For functions that cannot fail; returns `fallback` after a panic.
pub fn plain<T>(fallback: T, body: impl FnOnce() -> T) -> T {
    // The scope's end runs deferred frees, whose panics are caught here as well.
    panic::catch(|| {
        let _call = Call::enter();
        body()
    })
    .unwrap_or(fallback)
}

/// For getters; returns `absent` for NULL and after a panic.
pub fn read<O, T: Copy>(object: Option<&O>, absent: T, getter: impl FnOnce(&O) -> T) -> T {
    plain(absent, || object.map_or(absent, getter))
}

/// For functions that return a code. On failure `*err` receives an error, unless `err` is NULL.
///
/// # Safety
/// `err` is NULL or writable.
pub unsafe fn fallible(
    err: *mut *mut oss_resumable_error,
    body: impl FnOnce() -> Result<oss_resumable_code>,
) -> oss_resumable_code {
    let outcome = panic::catch(|| {
        let _call = Call::enter();
        body()
    });
    match outcome {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => {
            let code = codes::from_kind(error.kind());
            // SAFETY: this function's contract.
            unsafe { give(err, || error) };
            code
        }
        Err(defect) => {
            // SAFETY: this function's contract.
            unsafe { give(err, || Error::from(defect)) };
            OSS_RESUMABLE_ERR_INTERNAL
        }
    }
}

unsafe fn give(err: *mut *mut oss_resumable_error, error: impl FnOnce() -> Error) {
    if err.is_null() {
        return;
    }
    let given = panic::catch(|| oss_resumable_error::give(&error()))
        .unwrap_or_else(|_| oss_resumable_error::last_resort());
    // SAFETY: not NULL, and writable by this function's contract.
    unsafe { *err = given };
}

/// Writes an output. When the caller passed NULL, the value is dropped.
///
/// # Safety
/// `out` is NULL or writable.
pub unsafe fn output<T>(out: *mut *mut T, value: impl FnOnce() -> *mut T) {
    if !out.is_null() {
        // SAFETY: not NULL, and writable by this function's contract.
        unsafe { *out = value() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr;

    #[test]
    fn a_panic_becomes_the_internal_error_and_its_object() {
        let mut error = ptr::null_mut();
        // SAFETY: `error` is a live local.
        let code = unsafe { fallible(&raw mut error, || panic!("planted")) };
        assert_eq!(code, OSS_RESUMABLE_ERR_INTERNAL);
        assert!(!error.is_null());
        // SAFETY: just given, freed once.
        unsafe { super::super::error::oss_resumable_error_free(error) };
    }

    #[test]
    fn a_panic_in_a_getter_becomes_its_absent_value() {
        assert_eq!(plain(7, || panic!("planted")), 7);
    }

    #[test]
    fn an_error_that_nobody_wants_is_only_a_code() {
        // SAFETY: NULL is allowed.
        let code = unsafe { fallible(ptr::null_mut(), || Err(Error::validation("no"))) };
        assert_eq!(code, codes::OSS_RESUMABLE_ERR_VALIDATION);
    }
}
