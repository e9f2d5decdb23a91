//! Lists in requests: a pointer and a count.

use std::ffi::c_char;
use std::slice;

use super::allocation;
use super::failure::{Failure, Result};
use super::text;

/// A larger count is assumed to be uninitialised.
const MAX_LIST: usize = 10_000;

/// A name and its value; both are required. Copied by the call that reads them.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oss_resumable_pair {
    /// Name, UTF-8.
    pub name: *const c_char,
    /// Value, UTF-8; may be empty.
    pub value: *const c_char,
}

/// Copies a list of strings.
///
/// # Safety
/// `list` points to `count` strings, each NULL or NUL-terminated.
pub unsafe fn strings(list: *const *const c_char, count: usize, name: &str) -> Result<Vec<String>> {
    // SAFETY: this function's contract.
    let list = unsafe { elements(list, count, name) }?;
    // SAFETY: each element is NULL or NUL-terminated.
    allocation::mapped(list, |&text| unsafe { text::required(text, name) })
}

/// Copies a list of pairs.
///
/// # Safety
/// `list` points to `count` pairs whose strings are NULL or NUL-terminated.
pub unsafe fn pairs(
    list: *const oss_resumable_pair,
    count: usize,
    name: &str,
) -> Result<Vec<(String, String)>> {
    // SAFETY: this function's contract.
    let list = unsafe { elements(list, count, name) }?;
    // SAFETY: each string is NULL or NUL-terminated.
    allocation::mapped(list, |pair| unsafe {
        Ok((text::required(pair.name, name)?, text::required(pair.value, name)?))
    })
}

/// The elements of a list.
///
/// # Safety
/// `list` points to `count` elements, readable for `'a`.
pub unsafe fn elements<'a, T>(list: *const T, count: usize, name: &str) -> Result<&'a [T]> {
    if count == 0 {
        return Ok(&[]);
    }
    if count > MAX_LIST {
        return Err(Failure::validation(format_args!(
            "{name}_count is {count}; the maximum is {MAX_LIST}"
        )));
    }
    if list.is_null() || !list.is_aligned() {
        return Err(Failure::validation(format_args!(
            "{name} is NULL or not aligned, but {name}_count is {count}"
        )));
    }
    // SAFETY: not NULL, aligned, and `count` elements are readable by the callers' contracts; the size fits
    // because `count` is small.
    Ok(unsafe { slice::from_raw_parts(list, count) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr;

    #[test]
    fn a_list_without_elements_may_be_null() {
        // SAFETY: nothing is read.
        assert_eq!(unsafe { strings(ptr::null(), 0, "if_match") }.expect("empty"), [""; 0]);
    }

    #[test]
    fn null_lists_null_elements_and_absurd_counts_are_refused() {
        let list = [c"a".as_ptr(), ptr::null()];
        // SAFETY: the list is as long as the count that is read.
        unsafe {
            assert!(strings(ptr::null(), 1, "if_match").is_err());
            assert!(strings(list.as_ptr(), 2, "if_match").is_err());
            assert!(strings(list.as_ptr(), usize::MAX, "if_match").is_err());
            assert_eq!(strings(list.as_ptr(), 1, "if_match").expect("one"), ["a"]);
        }
    }

    #[test]
    fn pairs_keep_their_order() {
        let list = [
            oss_resumable_pair { name: c"b".as_ptr(), value: c"1".as_ptr() },
            oss_resumable_pair { name: c"a".as_ptr(), value: c"".as_ptr() },
        ];
        // SAFETY: a live array of two.
        let pairs = unsafe { pairs(list.as_ptr(), 2, "extra_headers") }.expect("pairs");
        assert_eq!(pairs, [("b".to_owned(), "1".to_owned()), ("a".to_owned(), String::new())]);
    }
}
