//! The object that carries an error across the C boundary. `guard` creates one for every failed call.

use std::borrow::Cow;
use std::ffi::{CStr, CString};
use std::os::unix::ffi::OsStrExt;
use std::ptr;

use super::codes::{self, OSS_RESUMABLE_ERR_INTERNAL, oss_resumable_code};
use super::text;
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
static LAST_RESORT: oss_resumable_error = oss_resumable_error {
    kind: OSS_RESUMABLE_ERR_INTERNAL,
    code: Cow::Borrowed(c"InternalError"),
    message: Cow::Borrowed(
        c"an internal error of liboss_resumable ended this operation; the process can go on; please report it",
    ),
    request_id: None,
    host_id: None,
    ec: None,
    path: None,
    status: 0,
    errno: 0,
};

impl oss_resumable_error {
    /// A new error for the caller, who frees it.
    pub fn give(error: &Error) -> *mut Self {
        let optional = |text: Option<&str>| text.map(text::owned);
        Box::into_raw(Box::new(oss_resumable_error {
            kind: codes::from_kind(error.kind()),
            code: Cow::Owned(text::owned(error.code())),
            message: Cow::Owned(text::owned(error.message())),
            request_id: optional(error.request_id()),
            host_id: optional(error.host_id()),
            ec: optional(error.ec()),
            path: error.path().map(|path| text::owned(path.as_os_str().as_bytes())),
            status: error.status(),
            errno: error.errno().unwrap_or(0),
        }))
    }

    /// The error that needs no memory.
    pub fn last_resort() -> *mut Self {
        ptr::from_ref(&LAST_RESORT).cast_mut()
    }
}
