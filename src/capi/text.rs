//! Strings across the boundary: NUL-terminated UTF-8 in, NUL-terminated bytes out.

use std::ffi::{CStr, c_char};
use std::ptr;

use super::allocation;
use super::failure::{Failure, Result};

/// Copies an optional string of the caller; `None` for NULL. `name` is its name in error messages.
///
/// # Safety
/// `text` is NULL or points to a NUL-terminated string that is not written meanwhile.
pub unsafe fn optional(text: *const c_char, name: &str) -> Result<Option<String>> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL, and NUL-terminated by this function's contract.
    let text = unsafe { CStr::from_ptr(text) };
    match text.to_str() {
        Ok(text) => Ok(Some(allocation::text(text)?)),
        Err(_) => Err(Failure::validation(format_args!("{name} is not valid UTF-8"))),
    }
}

/// As [`optional`], with NULL refused.
///
/// # Safety
/// As [`optional`].
pub unsafe fn required(text: *const c_char, name: &str) -> Result<String> {
    // SAFETY: this function's contract is the same.
    unsafe { optional(text, name) }?
        .ok_or_else(|| Failure::validation(format_args!("{name} is required, but it is NULL")))
}

/// A borrowed string for the caller; NULL when absent.
pub fn borrowed(text: Option<&CStr>) -> *const c_char {
    text.map_or(ptr::null(), CStr::as_ptr)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_not_utf_8_are_refused_by_name() {
        // SAFETY: a C string literal.
        let error = unsafe { optional(c"a\xff".as_ptr(), "key") }.expect_err("refused");
        assert_eq!(error.message(), "key is not valid UTF-8");
    }

    #[test]
    fn null_is_absent_where_it_may_be_and_refused_where_not() {
        // SAFETY: NULL is allowed.
        let (absent, refused) =
            unsafe { (optional(ptr::null(), "a"), required(ptr::null(), "bucket")) };
        assert_eq!(absent.expect("absent"), None);
        assert!(refused.expect_err("refused").message().contains("bucket"));
    }
}
