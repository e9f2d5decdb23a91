//! The object that carries a failure across the C boundary. `guard` creates one for every failed call.

use std::borrow::Cow;
use std::ffi::{CStr, CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;
use std::sync::OnceLock;

use super::allocation::{self, OutOfMemory, c_string};
use super::codes::{
    self, OSS_RESUMABLE_ERR_INTERNAL, OSS_RESUMABLE_ERR_OUT_OF_MEMORY, oss_resumable_code,
};
use super::failure::{self, Failure};
use super::json;
use crate::model::error::json::Document;
use crate::model::error::{Error, ErrorKind};

/// The reason why a call failed. Created by the call, owned by the caller, freed with oss_resumable_error_free().
///
/// Immutable: several threads may read it at the same time; free it after all other uses. It stays valid after every
/// other handle is freed. Strings read from it are UTF-8 and valid until it is freed.
pub struct oss_resumable_error {
    pub(super) kind: oss_resumable_code,
    /// The name of `kind` in JSON.
    kind_name: &'static str,
    pub(super) code: Cow<'static, CStr>,
    pub(super) message: Cow<'static, CStr>,
    pub(super) request_id: Option<CString>,
    pub(super) host_id: Option<CString>,
    pub(super) ec: Option<CString>,
    pub(super) path: Option<CString>,
    pub(super) status: i64,
    pub(super) errno: i32,
    json: Json,
}

/// The error in JSON.
enum Json {
    /// Of an error that must not allocate.
    Fixed(&'static CStr),
    /// Written when it is first asked for.
    Written(OnceLock<CString>),
}

/// What is left to say when not even an error could be made: needs no memory, and is never freed.
static LAST_RESORT: oss_resumable_error = fixed(
    (OSS_RESUMABLE_ERR_INTERNAL, ErrorKind::Internal.as_str()),
    c"InternalError",
    c"an internal error of liboss_resumable ended this operation; the process can go on; please report it",
    Json::Fixed(
        c"{\"kind\":\"internal\",\"kind_number\":900,\"code\":\"InternalError\",\"message\":\"an internal error of liboss_resumable ended this operation; the process can go on; please report it\",\"status\":0,\"request_id\":null,\"host_id\":null,\"ec\":null,\"errno\":null,\"path\":null}",
    ),
);

/// As [`LAST_RESORT`].
static OUT_OF_MEMORY: oss_resumable_error = fixed(
    (OSS_RESUMABLE_ERR_OUT_OF_MEMORY, failure::OUT_OF_MEMORY),
    c"OutOfMemory",
    c"there is not enough memory for this call or for the description of its failure; free some and call again",
    Json::Fixed(
        c"{\"kind\":\"out_of_memory\",\"kind_number\":301,\"code\":\"OutOfMemory\",\"message\":\"there is not enough memory for this call or for the description of its failure; free some and call again\",\"status\":0,\"request_id\":null,\"host_id\":null,\"ec\":null,\"errno\":null,\"path\":null}",
    ),
);

const fn fixed(
    (kind, kind_name): (oss_resumable_code, &'static str),
    code: &'static CStr,
    message: &'static CStr,
    json: Json,
) -> oss_resumable_error {
    oss_resumable_error {
        kind,
        kind_name,
        code: Cow::Borrowed(code),
        message: Cow::Borrowed(message),
        request_id: None,
        host_id: None,
        ec: None,
        path: None,
        status: 0,
        errno: 0,
        json,
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
        let kind = (failure.code(), failure.name());
        let json = || Json::Written(OnceLock::new());
        match failure {
            Failure::OutOfMemory => Err(OutOfMemory),
            Failure::Validation(message) => Ok(oss_resumable_error {
                message: Cow::Owned(c_string(message.as_ref())?),
                ..fixed(kind, c"ValidateError", c"", json())
            }),
            Failure::Forked => Ok(fixed(
                kind,
                c"Forked",
                c"this handle belongs to the parent process; create a new client in the forked child",
                json(),
            )),
            Failure::Library(error) => Self::copy(error),
        }
    }

    /// A copy of a failure of the library.
    pub fn copy(error: &Error) -> Result<Self, OutOfMemory> {
        let optional = |text: Option<&str>| text.map(c_string).transpose();
        Ok(oss_resumable_error {
            kind: codes::from_kind(error.kind()),
            kind_name: error.kind().as_str(),
            code: Cow::Owned(c_string(error.code())?),
            message: Cow::Owned(c_string(error.message())?),
            request_id: optional(error.request_id())?,
            host_id: optional(error.host_id())?,
            ec: optional(error.ec())?,
            path: error.path().map(|path| c_string(path.as_os_str().as_bytes())).transpose()?,
            status: error.status(),
            errno: error.errno().unwrap_or(0),
            json: Json::Written(OnceLock::new()),
        })
    }

    /// The error in JSON; `None` if there is no memory for it.
    pub fn json(&self) -> Option<&CStr> {
        match &self.json {
            Json::Fixed(text) => Some(text),
            Json::Written(cache) => json::cached(cache, |to| self.document().write(to)),
        }
    }

    fn document(&self) -> Document<'_> {
        // All but the path come from texts of Rust.
        fn text(c: &CStr) -> &str {
            c.to_str().unwrap_or_default()
        }
        let path = self.path.as_deref();
        Document {
            kind: self.kind_name,
            kind_number: self.kind,
            code: text(&self.code),
            message: text(&self.message),
            status: self.status,
            request_id: self.request_id.as_deref().map(text),
            host_id: self.host_id.as_deref().map(text),
            ec: self.ec.as_deref().map(text),
            errno: Some(self.errno).filter(|errno| *errno != 0),
            path: path.map(|path| Path::new(OsStr::from_bytes(path.to_bytes()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn an_error_has_the_same_json_in_c_and_in_rust() {
        let source = io::Error::from_raw_os_error(libc::ENOSPC);
        let path = Path::new(OsStr::from_bytes(b"/a\xff"));
        let text = |text: &str| Some(text.to_owned());
        for error in [
            Error::io("write", path, &source).with_ids(text("ID"), text("host"), text("0026")),
            Error::transport(28, "\"too slow\"\n"),
        ] {
            let copy = oss_resumable_error::copy(&error).expect("memory");
            let json = copy.json().expect("memory");
            assert_eq!(json.to_str(), Ok(error.to_json().as_str()));
            assert!(std::ptr::eq(json, copy.json().expect("memory")), "it is made once");
        }
    }

    #[test]
    fn the_json_of_fixed_errors_is_what_would_be_written() {
        for fixed in [&LAST_RESORT, &OUT_OF_MEMORY] {
            let mut written = Vec::new();
            fixed.document().write(&mut written).expect("JSON");
            assert_eq!(fixed.json().map(CStr::to_bytes), Some(written.as_slice()));
        }
    }
}
