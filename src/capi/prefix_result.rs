//! The result of a prefix download, as an object.

use std::ffi::{CString, c_char};
use std::os::unix::ffi::OsStrExt;
use std::ptr;

use parking_lot::Mutex;

use super::allocation::{self, c_string};
use super::codes::{OSS_RESUMABLE_END_OF_LIST, OSS_RESUMABLE_OK, oss_resumable_code};
use super::error_object::oss_resumable_error;
use super::failure::{Failure, Result};
use super::guard;
use super::prefix_status::oss_resumable_prefix_counts;
use super::sized::{self, size_first};
use super::text::borrowed;
use crate::prefix::{ObjectResult, PrefixObject, PrefixOutcome};

/// oss_resumable_prefix_object: fetched, whole or, if an earlier run had left something of it, in part. The file is complete
/// and verified.
pub const OSS_RESUMABLE_OBJECT_FETCHED: i32 = 1;
/// oss_resumable_prefix_object: the file was there and is unchanged; nothing was fetched.
pub const OSS_RESUMABLE_OBJECT_UNCHANGED: i32 = 2;
/// oss_resumable_prefix_object: a directory marker; the directory is there.
pub const OSS_RESUMABLE_OBJECT_DIRECTORY: i32 = 3;
/// oss_resumable_prefix_object: it could not be downloaded. A file that was there before is as it was.
pub const OSS_RESUMABLE_OBJECT_FAILED: i32 = 4;

/// One object of a prefix download, and what became of it. Filled in by oss_resumable_prefix_result_object(); set
/// `struct_size` first. What it points to belongs to the result, and is valid until the next call of that function for the
/// same result or until that is freed.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oss_resumable_prefix_object {
    /// `sizeof(oss_resumable_prefix_object)`, set by the caller.
    pub struct_size: usize,
    /// The whole key; never NULL. It may contain control characters, without NUL bytes.
    pub key: *const c_char,
    /// Absolute path of the file, or of the directory of a marker; NULL if the object failed because of its key.
    pub path: *const c_char,
    /// Why the object failed; NULL otherwise. Do not free it.
    pub error: *const oss_resumable_error,
    /// Size of the file in bytes; 0 for a directory. Of an object that has failed, that of the listing.
    pub size: u64,
    /// One of the `OSS_RESUMABLE_OBJECT_…` values.
    pub result: i32,
    /// Zero.
    pub reserved: u32,
}
size_first!(oss_resumable_prefix_object);

/// The result of a prefix download that has not failed as a whole. Created by the call, owned by the caller, freed with
/// oss_resumable_prefix_result_free().
///
/// Several threads may read it at the same time, except with oss_resumable_prefix_result_object(). It stays valid after every
/// other handle is freed.
pub struct oss_resumable_prefix_result {
    directory: CString,
    outcome: PrefixOutcome,
    /// What the caller's last object refers to.
    shown: Mutex<Shown>,
}

#[derive(Default)]
struct Shown {
    key: Option<CString>,
    path: Option<CString>,
    error: Option<Box<oss_resumable_error>>,
}

impl oss_resumable_prefix_result {
    /// A new result for the caller, who frees it.
    pub fn give(outcome: PrefixOutcome) -> Result<*mut Self> {
        let directory = c_string(outcome.directory().as_os_str().as_bytes())?;
        let shown = Mutex::default();
        let result = oss_resumable_prefix_result { directory, outcome, shown };
        Ok(Box::into_raw(allocation::boxed(result)?))
    }
}

/// What an object refers to, and the object without it.
fn show(object: &PrefixObject<'_>) -> Result<(Shown, oss_resumable_prefix_object)> {
    let (result, error) = match object.result {
        ObjectResult::Fetched => (OSS_RESUMABLE_OBJECT_FETCHED, None),
        ObjectResult::Unchanged => (OSS_RESUMABLE_OBJECT_UNCHANGED, None),
        ObjectResult::Directory => (OSS_RESUMABLE_OBJECT_DIRECTORY, None),
        ObjectResult::Failed(error) => (OSS_RESUMABLE_OBJECT_FAILED, Some(error)),
    };
    let error = error.map(|error| oss_resumable_error::copy(error).and_then(allocation::boxed));
    let path = object.path.as_ref().map(|path| c_string(path.as_os_str().as_bytes()));
    let shown = Shown {
        key: Some(c_string(&object.key)?),
        path: path.transpose()?,
        error: error.transpose()?,
    };
    let values = oss_resumable_prefix_object {
        struct_size: size_of::<oss_resumable_prefix_object>(),
        key: ptr::null(),
        path: ptr::null(),
        error: ptr::null(),
        size: object.size,
        result,
        reserved: 0,
    };
    Ok((shown, values))
}

/// Reads the counts of a prefix download: how many objects were fetched, found unchanged, and failed.
///
/// Thread-safe.
///
/// @param result not NULL
/// @param counts not NULL, with its `struct_size` set; filled up to that size
/// @return ::OSS_RESUMABLE_OK or ::OSS_RESUMABLE_ERR_VALIDATION
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_prefix_result_counts(
    result: *const oss_resumable_prefix_result,
    counts: *mut oss_resumable_prefix_counts,
) -> oss_resumable_code {
    // SAFETY: the caller passes NULL or a live result, and a struct as long as it says.
    unsafe {
        guard::without_error(|| {
            let result = required(result)?;
            sized::write(counts, result.outcome.counts().into())?;
            Ok(OSS_RESUMABLE_OK)
        })
    }
}

/// # Safety
/// `result` is NULL or live.
unsafe fn required<'a>(
    result: *const oss_resumable_prefix_result,
) -> Result<&'a oss_resumable_prefix_result> {
    // SAFETY: this function's contract.
    unsafe { result.as_ref() }
        .ok_or_else(|| Failure::validation(format_args!("the oss_resumable_prefix_result is NULL")))
}

/// Returns the absolute path of the directory, without symbolic links, in the bytes of the file system.
///
/// Thread-safe.
///
/// @param result a result, or NULL
/// @return a string valid until the result is freed; NULL only for NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_prefix_result_directory(
    result: *const oss_resumable_prefix_result,
) -> *const c_char {
    // SAFETY: the caller passes NULL or a live result.
    let result = unsafe { result.as_ref() };
    guard::read(result, ptr::null(), |result| result.directory.as_ptr())
}

/// Gives an object of a prefix download by its place in the order of the keys' bytes, from 0.
///
/// Not to be called by two threads at the same time for one result, which is ::OSS_RESUMABLE_ERR_VALIDATION. Thread-safe
/// otherwise.
///
/// @param result not NULL
/// @param index from 0 to the number of objects minus one
/// @param object not NULL, with its `struct_size` set; filled in up to that size on ::OSS_RESUMABLE_OK, otherwise not written.
/// What it points to is valid until the next call for this result.
/// @return ::OSS_RESUMABLE_OK; ::OSS_RESUMABLE_END_OF_LIST behind the last object; ::OSS_RESUMABLE_ERR_VALIDATION
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_prefix_result_object(
    result: *const oss_resumable_prefix_result,
    index: u64,
    object: *mut oss_resumable_prefix_object,
) -> oss_resumable_code {
    // SAFETY: the caller passes NULL or a live result, and a struct as long as it says.
    unsafe {
        guard::without_error(|| {
            let result = required(result)?;
            sized::check(object)?;
            let Some(mut last) = result.shown.try_lock() else {
                return Err(Failure::validation(format_args!(
                    "another call for this result has not returned yet"
                )));
            };
            let Some(found) = result.outcome.object(index) else {
                return Ok(OSS_RESUMABLE_END_OF_LIST);
            };
            let (shown, values) = show(&found)?;
            *last = shown;
            let error = last.error.as_deref().map_or(ptr::null(), ptr::from_ref);
            let (key, path) = (borrowed(last.key.as_deref()), borrowed(last.path.as_deref()));
            sized::write(object, oss_resumable_prefix_object { key, path, error, ..values })?;
            Ok(OSS_RESUMABLE_OK)
        })
    }
}

/// Frees a result and everything that was read from it.
///
/// Any thread may call it, once, after all other uses.
///
/// @param result a result, or NULL, which does nothing
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_prefix_result_free(
    result: *mut oss_resumable_prefix_result,
) {
    guard::plain((), || {
        if !result.is_null() {
            // SAFETY: made by `give`, and the caller does not use it again.
            drop(unsafe { Box::from_raw(result) });
        }
    });
}
