//! Return codes of the C API.

use std::ffi::{CStr, c_char};

use crate::model::error::ErrorKind;

/// The return code of a call: ::OSS_RESUMABLE_OK, ::OSS_RESUMABLE_WAIT_TIMEOUT, ::OSS_RESUMABLE_END_OF_LIST,
/// ::OSS_RESUMABLE_OBJECTS_FAILED or one of the `OSS_RESUMABLE_ERR_…` codes. The meaning of a number never changes. Treat an unknown number as a failure.
pub type oss_resumable_code = i32;

/// The call succeeded.
pub const OSS_RESUMABLE_OK: oss_resumable_code = 0;
/// oss_resumable_download_wait(): the time-out expired and the download continues. Not a failure; no output is written.
pub const OSS_RESUMABLE_WAIT_TIMEOUT: oss_resumable_code = 1;
/// oss_resumable_listing_next(): there are no more entries. Not a failure; no output is written.
pub const OSS_RESUMABLE_END_OF_LIST: oss_resumable_code = 2;
/// oss_resumable_download_prefix() and oss_resumable_prefix_download_wait(): the prefix download has ended, and at least one object
/// could not be downloaded. There is a result, which tells which ones and why, and no error.
pub const OSS_RESUMABLE_OBJECTS_FAILED: oss_resumable_code = 3;
/// An argument, option or field of a request is wrong. Nothing was sent or written. Error code `ValidateError`.
pub const OSS_RESUMABLE_ERR_VALIDATION: oss_resumable_code = 100;
/// Another run, of this or another process, is downloading the same object to the same file.
pub const OSS_RESUMABLE_ERR_BUSY: oss_resumable_code = 101;
/// The handle was created in the parent process; this process is a forked child.
pub const OSS_RESUMABLE_ERR_FORKED: oss_resumable_code = 102;
/// The service answered with an error: see oss_resumable_error_status() and oss_resumable_error_code().
pub const OSS_RESUMABLE_ERR_SERVICE: oss_resumable_code = 200;
/// No usable reply was received: name lookup, connection, TLS or time-out. oss_resumable_error_status() is 200000 +
/// CURLcode.
pub const OSS_RESUMABLE_ERR_TRANSPORT: oss_resumable_code = 201;
/// The object was replaced during the download, and again after the download had started over.
pub const OSS_RESUMABLE_ERR_OBJECT_CHANGED: oss_resumable_code = 202;
/// The received bytes are not the object's: a checksum differs, or replies contradict each other.
pub const OSS_RESUMABLE_ERR_INTEGRITY: oss_resumable_code = 203;
/// A local file operation failed: see oss_resumable_error_errno() and oss_resumable_error_path().
pub const OSS_RESUMABLE_ERR_IO: oss_resumable_code = 300;
/// There was no memory for what the call itself allocates: see "Out of memory" at the beginning of this header. Error code
/// `OutOfMemory`.
pub const OSS_RESUMABLE_ERR_OUT_OF_MEMORY: oss_resumable_code = 301;
/// The download was cancelled; its checkpoint, if it has one, is kept.
pub const OSS_RESUMABLE_ERR_CANCELLED: oss_resumable_code = 400;
/// The download took longer than `deadline_ms`; the checkpoint, if there is one, is kept.
pub const OSS_RESUMABLE_ERR_DEADLINE: oss_resumable_code = 401;
/// The requests of the client are disabled, see oss_resumable_client_disable_requests(); the checkpoint, if there
/// is one, is kept. Error code `ClientError:100002`, as in the OSS C++ SDK.
pub const OSS_RESUMABLE_ERR_DISABLED: oss_resumable_code = 402;
/// A defect in this library, or a thread that the system could not start. The operation failed; the process may
/// continue.
pub const OSS_RESUMABLE_ERR_INTERNAL: oss_resumable_code = 900;

/// The code of a kind of failure. Those of the boundary itself have no kind.
pub fn from_kind(kind: ErrorKind) -> oss_resumable_code {
    kind.number()
}

/// Returns the name of a code, such as `OSS_RESUMABLE_ERR_BUSY`, for logs.
///
/// Thread-safe; callable at any time, in a forked child too.
///
/// @param code any number
/// @return a constant string, never NULL; do not free it; `"unknown"` for a number that is not a code
#[unsafe(no_mangle)]
pub extern "C" fn oss_resumable_code_name(code: oss_resumable_code) -> *const c_char {
    name(code).as_ptr()
}

fn name(code: oss_resumable_code) -> &'static CStr {
    match code {
        OSS_RESUMABLE_OK => c"OSS_RESUMABLE_OK",
        OSS_RESUMABLE_WAIT_TIMEOUT => c"OSS_RESUMABLE_WAIT_TIMEOUT",
        OSS_RESUMABLE_END_OF_LIST => c"OSS_RESUMABLE_END_OF_LIST",
        OSS_RESUMABLE_OBJECTS_FAILED => c"OSS_RESUMABLE_OBJECTS_FAILED",
        OSS_RESUMABLE_ERR_VALIDATION => c"OSS_RESUMABLE_ERR_VALIDATION",
        OSS_RESUMABLE_ERR_BUSY => c"OSS_RESUMABLE_ERR_BUSY",
        OSS_RESUMABLE_ERR_FORKED => c"OSS_RESUMABLE_ERR_FORKED",
        OSS_RESUMABLE_ERR_SERVICE => c"OSS_RESUMABLE_ERR_SERVICE",
        OSS_RESUMABLE_ERR_TRANSPORT => c"OSS_RESUMABLE_ERR_TRANSPORT",
        OSS_RESUMABLE_ERR_OBJECT_CHANGED => c"OSS_RESUMABLE_ERR_OBJECT_CHANGED",
        OSS_RESUMABLE_ERR_INTEGRITY => c"OSS_RESUMABLE_ERR_INTEGRITY",
        OSS_RESUMABLE_ERR_IO => c"OSS_RESUMABLE_ERR_IO",
        OSS_RESUMABLE_ERR_OUT_OF_MEMORY => c"OSS_RESUMABLE_ERR_OUT_OF_MEMORY",
        OSS_RESUMABLE_ERR_CANCELLED => c"OSS_RESUMABLE_ERR_CANCELLED",
        OSS_RESUMABLE_ERR_DEADLINE => c"OSS_RESUMABLE_ERR_DEADLINE",
        OSS_RESUMABLE_ERR_DISABLED => c"OSS_RESUMABLE_ERR_DISABLED",
        OSS_RESUMABLE_ERR_INTERNAL => c"OSS_RESUMABLE_ERR_INTERNAL",
        _ => c"unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_kind_is_the_code_with_its_name() {
        use ErrorKind::*;
        for kind in [
            Validation,
            Busy,
            Forked,
            Service,
            Transport,
            ObjectChanged,
            Integrity,
            Io,
            Cancelled,
            Deadline,
            Disabled,
            Internal,
        ] {
            let expected = format!("OSS_RESUMABLE_ERR_{}", kind.as_str().to_ascii_uppercase());
            assert_eq!(name(from_kind(kind)).to_str(), Ok(expected.as_str()));
        }
    }
}
