//! The object that carries a failure across the C boundary. `guard` creates one for every failed call.

use std::borrow::Cow;
use std::ffi::{CStr, CString};
use std::os::unix::ffi::OsStrExt;
use std::ptr;

use super::allocation::{self, OutOfMemory, c_string};
use super::codes::{
    self, OSS_RESUMABLE_ERR_INTERNAL, OSS_RESUMABLE_ERR_OUT_OF_MEMORY, oss_resumable_code,
};
use super::failure::Failure;
use crate::model::error::Error;

/// The reason why a call failed. Created by the call, owned by the caller, freed with oss_resumable_error_free().
///
/// Immutable: several threads may read it at the same time; free it after all other uses. It stays valid after every
/// other handle is freed. Strings read from it are UTF-8 and valid until it is freed.
pub struct oss_resumable_error {
    pub(super) kind: oss_resumable_code,
    pub(super) code: Cow<'static, CStr>,
    pub(super) message: Cow<'static, CStr>,
    pub(super) request_id: Option<CString>,
    pub(super) host_id: Option<CString>,
    pub(super) ec: Option<CString>,
    pub(super) path: Option<CString>,
    pub(super) status: i64,
    pub(super) errno: i32,
}

/// What is left to say when not even an error could be made: needs no memory, and is never freed.
static LAST_RESORT: oss_resumable_error = fixed(
    OSS_RESUMABLE_ERR_INTERNAL,
    c"InternalError",
    c"an internal error of liboss_resumable ended this operation; the process can go on; please report it",
);

/// As [`LAST_RESORT`].
static OUT_OF_MEMORY: oss_resumable_error = fixed(
    OSS_RESUMABLE_ERR_OUT_OF_MEMORY,
    c"OutOfMemory",
    c"there is not enough memory for this call or for the description of its failure; free some and call again",
);

const fn fixed(
    kind: oss_resumable_code,
    code: &'static CStr,
    message: &'static CStr,
) -> oss_resumable_error {
    oss_resumable_error {
        kind,
        code: Cow::Borrowed(code),
        message: Cow::Borrowed(message),
        request_id: None,
        host_id: None,
        ec: None,
        path: None,
        status: 0,
        errno: 0,
    }
}

impl oss_resumable_error {
    /// A new error for the caller, who frees it.
    pub fn give(failure: &Failure) -> *mut Self {
        match Self::describe(failure).and_then(allocation::boxed) {
            Ok(error) => Box::into_raw(error),
            Err(OutOfMemory) => ptr::from_ref(&OUT_OF_MEMORY).cast_mut(),
        }
    }

    /// The error that remains after a defect in the making of another one.
    pub fn last_resort() -> *mut Self {
        ptr::from_ref(&LAST_RESORT).cast_mut()
    }

    /// Whether it is static, so that it is not freed.
    pub fn is_static(error: *const Self) -> bool {
        ptr::eq(error, &LAST_RESORT) || ptr::eq(error, &OUT_OF_MEMORY)
    }

    fn describe(failure: &Failure) -> Result<Self, OutOfMemory> {
        let kind = failure.code();
        match failure {
            Failure::OutOfMemory => Err(OutOfMemory),
            Failure::Validation(message) => Ok(oss_resumable_error {
                message: Cow::Owned(c_string(message.as_ref())?),
                ..fixed(kind, c"ValidateError", c"")
            }),
            Failure::Forked => Ok(fixed(
                kind,
                c"Forked",
                c"this handle belongs to the parent process; create a new client in the forked child",
            )),
            Failure::Library(error) => Self::copy(error),
        }
    }

    /// A copy of a failure of the library.
    pub fn copy(error: &Error) -> Result<Self, OutOfMemory> {
        let optional = |text: Option<&str>| text.map(c_string).transpose();
        Ok(oss_resumable_error {
            kind: codes::from_kind(error.kind()),
            code: Cow::Owned(c_string(error.code())?),
            message: Cow::Owned(c_string(error.message())?),
            request_id: optional(error.request_id())?,
            host_id: optional(error.host_id())?,
            ec: optional(error.ec())?,
            path: error.path().map(|path| c_string(path.as_os_str().as_bytes())).transpose()?,
            status: error.status(),
            errno: error.errno().unwrap_or(0),
        })
    }
}
