//! The wrapper around every exported function: no panic crosses the boundary or is printed, and `_free` calls made
//! inside callbacks are deferred.

use std::ptr;

use super::codes::oss_resumable_code;
use super::error_object::oss_resumable_error;
use super::failure::{Failure, Result};
use super::scope::Call;
use crate::model::error::Error;
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
        // SAFETY: this function's contract.
        Ok(Err(failure)) => unsafe { report(err, failure) },
        // SAFETY: as above.
        Err(defect) => unsafe { report(err, Failure::Library(Error::from(defect))) },
    }
}

/// As [`fallible`], for functions that have no error object.
pub fn without_error(body: impl FnOnce() -> Result<oss_resumable_code>) -> oss_resumable_code {
    // SAFETY: NULL is allowed.
    unsafe { fallible(ptr::null_mut(), body) }
}

/// Gives the caller an error; returns its code. That is another one than the failure's if there is no memory for the
/// error.
unsafe fn report(err: *mut *mut oss_resumable_error, failure: Failure) -> oss_resumable_code {
    if err.is_null() {
        return failure.code();
    }
    let given = panic::catch(|| oss_resumable_error::give(&failure))
        .unwrap_or_else(|_| oss_resumable_error::last_resort());
    // SAFETY: `err` is not NULL, and writable by the contract of `fallible`; the error was just made, or is static.
    unsafe {
        *err = given;
        (*given).kind
    }
}

/// Writes an output. When the caller passed NULL, no value is made.
///
/// # Safety
/// `out` is NULL or writable.
pub unsafe fn output<T>(out: *mut *mut T, value: impl FnOnce() -> Result<*mut T>) -> Result<()> {
    if !out.is_null() {
        let value = value()?;
        // SAFETY: not NULL, and writable by this function's contract.
        unsafe { *out = value };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capi::codes::{OSS_RESUMABLE_ERR_INTERNAL, OSS_RESUMABLE_ERR_VALIDATION};
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
        let code =
            unsafe { fallible(ptr::null_mut(), || Err(Failure::validation(format_args!("no")))) };
        assert_eq!(code, OSS_RESUMABLE_ERR_VALIDATION);
    }
}
