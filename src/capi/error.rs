//! Reading and freeing the failure of a call.

use std::ffi::c_char;
use std::ptr;

use super::codes::{OSS_RESUMABLE_OK, oss_resumable_code};
use super::error_object::oss_resumable_error;
use super::guard;
use super::text;

/// Returns the kind of failure: the number that the failed call returned.
///
/// Thread-safe.
///
/// @param error an error, or NULL
/// @return one of the `OSS_RESUMABLE_ERR_…` codes; ::OSS_RESUMABLE_OK for NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_error_kind(
    error: *const oss_resumable_error,
) -> oss_resumable_code {
    // SAFETY: the caller passes NULL or a live error.
    guard::read(unsafe { error.as_ref() }, OSS_RESUMABLE_OK, |error| error.kind)
}

/// Returns the error code: that of the OSS service (`NoSuchKey`, `AccessDenied` …), or that of the OSS C++ SDK where it
/// has one (`ValidateError`, `CrcCheckError`, `ClientError:200028` …).
///
/// Thread-safe.
///
/// @param error an error, or NULL
/// @return a string valid until the error is freed; NULL only for NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_error_code(
    error: *const oss_resumable_error,
) -> *const c_char {
    // SAFETY: the caller passes NULL or a live error.
    guard::read(unsafe { error.as_ref() }, ptr::null(), |error| error.code.as_ptr())
}

/// Returns the error message: what was attempted, on which object and bytes, why it failed and what to do. One line,
/// without secrets.
///
/// Thread-safe.
///
/// @param error an error, or NULL
/// @return a string valid until the error is freed; NULL only for NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_error_message(
    error: *const oss_resumable_error,
) -> *const c_char {
    // SAFETY: the caller passes NULL or a live error.
    guard::read(unsafe { error.as_ref() }, ptr::null(), |error| error.message.as_ptr())
}

/// Returns the id of the failed request, by which the service's support can find it.
///
/// Thread-safe.
///
/// @param error an error, or NULL
/// @return a string valid until the error is freed; NULL when the service sent none, and for NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_error_request_id(
    error: *const oss_resumable_error,
) -> *const c_char {
    // SAFETY: the caller passes NULL or a live error.
    guard::read(unsafe { error.as_ref() }, ptr::null(), |error| {
        text::borrowed(error.request_id.as_deref())
    })
}

/// Returns the `HostId` of the service's error: the host that answered.
///
/// Thread-safe.
///
/// @param error an error, or NULL
/// @return a string valid until the error is freed; NULL when the service sent none, and for NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_error_host_id(
    error: *const oss_resumable_error,
) -> *const c_char {
    // SAFETY: the caller passes NULL or a live error.
    guard::read(unsafe { error.as_ref() }, ptr::null(), |error| {
        text::borrowed(error.host_id.as_deref())
    })
}

/// Returns the `EC` of the service's error: its number in the service's error catalogue, such as `0026-00000001`.
///
/// Thread-safe.
///
/// @param error an error, or NULL
/// @return a string valid until the error is freed; NULL when the service sent none, and for NULL
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_error_ec(
    error: *const oss_resumable_error,
) -> *const c_char {
    // SAFETY: the caller passes NULL or a live error.
    guard::read(unsafe { error.as_ref() }, ptr::null(), |error| text::borrowed(error.ec.as_deref()))
}

/// Returns the number of the failure.
///
/// Thread-safe.
///
/// @param error an error, or NULL
/// @return the HTTP status of ::OSS_RESUMABLE_ERR_SERVICE; 200000 + CURLcode of ::OSS_RESUMABLE_ERR_TRANSPORT;
/// 0 otherwise
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_error_status(error: *const oss_resumable_error) -> i64 {
    // SAFETY: the caller passes NULL or a live error.
    guard::read(unsafe { error.as_ref() }, 0, |error| error.status)
}

/// Returns the system's error number (`errno`) of an ::OSS_RESUMABLE_ERR_IO.
///
/// Thread-safe.
///
/// @param error an error, or NULL
/// @return a number such as `ENOSPC`; 0 when there is none
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_error_errno(error: *const oss_resumable_error) -> i32 {
    // SAFETY: the caller passes NULL or a live error.
    guard::read(unsafe { error.as_ref() }, 0, |error| error.errno)
}

/// Returns the path of the file that an ::OSS_RESUMABLE_ERR_IO or ::OSS_RESUMABLE_ERR_BUSY concerns.
///
/// Thread-safe.
///
/// @param error an error, or NULL
/// @return the path in the bytes of the file system, valid until the error is freed; NULL when no file is concerned
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_error_path(
    error: *const oss_resumable_error,
) -> *const c_char {
    // SAFETY: the caller passes NULL or a live error.
    guard::read(unsafe { error.as_ref() }, ptr::null(), |error| {
        text::borrowed(error.path.as_deref())
    })
}

/// Returns the error as one JSON object (RFC 8259), in one line:
///
/// | field | value |
/// |---|---|
/// | `kind` | string: the name of the code in lower case without `OSS_RESUMABLE_ERR_`, such as `"service"` |
/// | `kind_number` | number: oss_resumable_error_kind() |
/// | `code` | string: oss_resumable_error_code(), such as `"NoSuchKey"` |
/// | `message` | string: oss_resumable_error_message() |
/// | `status` | number: oss_resumable_error_status() |
/// | `request_id` | string or null |
/// | `host_id` | string or null |
/// | `ec` | string or null |
/// | `errno` | number, or null if there is none |
/// | `path` | string: the file concerned; U+FFFD replaces what is not UTF-8; or null |
///
/// All fields are always there. A later version may add fields. No field contains a secret.
///
/// Thread-safe.
///
/// @param error an error, or NULL
/// @return UTF-8 text, valid until the error is freed; NULL for NULL, and when there is no memory
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_error_json(
    error: *const oss_resumable_error,
) -> *const c_char {
    // SAFETY: the caller passes NULL or a live error.
    guard::read(unsafe { error.as_ref() }, ptr::null(), |error| text::borrowed(error.json()))
}

/// Frees an error and the strings read from it.
///
/// Any thread may call it, once for each error.
///
/// @param error an error, or NULL, which does nothing
#[unsafe(no_mangle)]
pub unsafe extern "C" fn oss_resumable_error_free(error: *mut oss_resumable_error) {
    guard::plain((), || {
        if !error.is_null() && !oss_resumable_error::is_static(error) {
            // SAFETY: it came from `give`, and the caller hands it back once.
            drop(unsafe { Box::from_raw(error) });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capi::codes;
    use crate::capi::failure::Failure;
    use crate::model::error::Error;
    use std::ffi::CStr;
    use std::io;
    use std::path::Path;

    fn string(text: *const c_char) -> Option<String> {
        // SAFETY: NULL or a string of a live error.
        (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
    }

    #[test]
    fn an_error_reads_back_as_it_was_made() {
        let source = io::Error::from_raw_os_error(libc::EACCES);
        let error = Error::io("write", Path::new("/a/b"), &source).with_ids(
            Some("ID".to_owned()),
            None,
            Some("0026".to_owned()),
        );
        let given = oss_resumable_error::give(&Failure::Library(error));
        // SAFETY: `given` is live until the last call.
        unsafe {
            assert_eq!(oss_resumable_error_kind(given), codes::OSS_RESUMABLE_ERR_IO);
            assert_eq!(string(oss_resumable_error_code(given)).as_deref(), Some("LocalIoError"));
            assert_eq!(string(oss_resumable_error_path(given)).as_deref(), Some("/a/b"));
            assert_eq!(string(oss_resumable_error_request_id(given)).as_deref(), Some("ID"));
            assert_eq!(string(oss_resumable_error_host_id(given)), None);
            assert_eq!(string(oss_resumable_error_ec(given)).as_deref(), Some("0026"));
            assert_eq!(oss_resumable_error_errno(given), libc::EACCES);
            let json = string(oss_resumable_error_json(given)).expect("JSON");
            assert!(json.starts_with("{\"kind\":\"io\",\"kind_number\":300,"), "{json}");
            oss_resumable_error_free(given);
        }
    }

    #[test]
    fn null_reads_as_nothing_and_static_errors_survive_being_freed() {
        // SAFETY: NULL is allowed everywhere; the others are static.
        unsafe {
            assert_eq!(oss_resumable_error_kind(ptr::null()), 0);
            assert!(oss_resumable_error_message(ptr::null()).is_null());
            assert!(oss_resumable_error_json(ptr::null()).is_null());
            oss_resumable_error_free(ptr::null_mut());
            for (error, code) in [
                (oss_resumable_error::last_resort(), "InternalError"),
                (oss_resumable_error::give(&Failure::OutOfMemory), "OutOfMemory"),
            ] {
                oss_resumable_error_free(error);
                assert_eq!(string(oss_resumable_error_code(error)).as_deref(), Some(code));
                assert!(string(oss_resumable_error_json(error)).expect("JSON").contains(code));
            }
        }
    }
}
