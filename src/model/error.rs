//! The error type of all layers.

pub(crate) mod json;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The kind of failure of an [`Error`]; corresponds to the `OSS_RESUMABLE_ERR_…` codes of the C header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request or the client's options are wrong; nothing was sent or written.
    Validation,
    /// The service answered with an error; see [`Error::status`] and [`Error::code`].
    Service,
    /// No usable reply was received: name lookup, connection, TLS or time-out.
    Transport,
    /// The received bytes are not the object's: a checksum differs, or replies contradict each other.
    Integrity,
    /// A local file operation failed; see [`Error::errno`] and [`Error::path`].
    Io,
    /// Another run is using the files of this download.
    Busy,
    /// The download was cancelled.
    Cancelled,
    /// The client's requests are disabled.
    Disabled,
    /// The request's deadline passed.
    Deadline,
    /// The object was replaced during the download, and again after the download had started over.
    ObjectChanged,
    /// A client was used in a forked child of the process that created it.
    Forked,
    /// A defect in this library, or a thread that the system could not start. The download failed; the process may
    /// continue.
    Internal,
}

impl ErrorKind {
    /// The number of the kind in the C API, the value of the `OSS_RESUMABLE_ERR_…` code. It never changes.
    pub const fn number(self) -> i32 {
        match self {
            ErrorKind::Validation => 100,
            ErrorKind::Busy => 101,
            ErrorKind::Forked => 102,
            ErrorKind::Service => 200,
            ErrorKind::Transport => 201,
            ErrorKind::ObjectChanged => 202,
            ErrorKind::Integrity => 203,
            ErrorKind::Io => 300,
            ErrorKind::Cancelled => 400,
            ErrorKind::Deadline => 401,
            ErrorKind::Disabled => 402,
            ErrorKind::Internal => 900,
        }
    }
}

/// A failed download or a rejected request.
///
/// Codes are those of the OSS service or of the OSS C++ SDK where they have one. Messages never contain secrets,
/// signatures or tokens.
#[derive(Clone, Debug)]
pub struct Error(Box<Detail>);

#[derive(Clone, Debug)]
struct Detail {
    kind: ErrorKind,
    code: String,
    message: String,
    request_id: Option<String>,
    host_id: Option<String>,
    ec: Option<String>,
    status: i64,
    errno: Option<i32>,
    path: Option<PathBuf>,
}

/// A result whose error is [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// The number that the OSS C++ SDK adds to a CURLcode to form its `ClientError` numbers.
pub const CLIENT_ERROR_BASE: i64 = 200_000;

impl Error {
    /// An error of `kind` with a machine-readable `code` and a human-readable message.
    pub fn new(kind: ErrorKind, code: impl Into<String>, message: impl Into<String>) -> Self {
        Error(Box::new(Detail {
            kind,
            code: code.into(),
            message: message.into(),
            request_id: None,
            host_id: None,
            ec: None,
            status: 0,
            errno: None,
            path: None,
        }))
    }

    /// An invalid argument; `ValidateError` as in the OSS C++ SDK.
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Validation, "ValidateError", message)
    }

    /// A defect in this library.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, "InternalError", message)
    }

    /// A failed transfer; `curl_code` is libcurl's CURLcode.
    pub fn transport(curl_code: u32, message: impl Into<String>) -> Self {
        let status = CLIENT_ERROR_BASE + i64::from(curl_code);
        let mut error = Self::new(ErrorKind::Transport, format!("ClientError:{status}"), message);
        error.0.status = status;
        error
    }

    /// A failed system call on `path`; `action` is used as in "cannot {action} '/path': reason".
    /// The code is `DiskFull` when space or quota is exhausted, otherwise `LocalIoError`.
    pub fn io(action: &str, path: &Path, source: &io::Error) -> Self {
        let message = format!("cannot {action} '{}': {source}", path.display());
        let code = match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "DiskFull",
            _ => "LocalIoError",
        };
        let mut error = Self::new(ErrorKind::Io, code, message);
        error.0.errno = source.raw_os_error();
        error.0.path = Some(path.to_owned());
        error
    }

    /// A failed system call that concerns no file; `action` is used as in "cannot {action}: reason".
    pub fn system(action: &str, source: &io::Error) -> Self {
        let mut error =
            Self::new(ErrorKind::Io, "LocalIoError", format!("cannot {action}: {source}"));
        error.0.errno = source.raw_os_error();
        error
    }

    /// Replaces the code.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.0.code = code.into();
        self
    }

    /// Attaches the HTTP status.
    #[must_use]
    pub fn with_status(mut self, status: i64) -> Self {
        self.0.status = status;
        self
    }

    /// Attaches the ids with which the support of the service can find the request.
    #[must_use]
    pub fn with_ids(
        mut self,
        request_id: Option<String>,
        host_id: Option<String>,
        ec: Option<String>,
    ) -> Self {
        self.0.request_id = request_id;
        self.0.host_id = host_id;
        self.0.ec = ec;
        self
    }

    /// Attaches the file concerned.
    #[must_use]
    pub fn with_path(mut self, path: &Path) -> Self {
        self.0.path = Some(path.to_owned());
        self
    }

    /// Appends a sentence to the message.
    #[must_use]
    pub fn with_context(mut self, context: &str) -> Self {
        self.0.message.push_str(context);
        self
    }

    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }
    /// The error code of the service, or of the OSS C++ SDK where it has one: `NoSuchKey`, `ValidateError`,
    /// `CrcCheckError`…
    pub fn code(&self) -> &str {
        &self.0.code
    }
    /// The message: what was attempted, on which object, why it failed and what to do.
    pub fn message(&self) -> &str {
        &self.0.message
    }
    /// The service's `RequestId`.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }
    /// The service's `HostId`.
    pub fn host_id(&self) -> Option<&str> {
        self.0.host_id.as_deref()
    }
    /// The service's `EC`, its number in the service's error catalogue.
    pub fn ec(&self) -> Option<&str> {
        self.0.ec.as_deref()
    }
    /// The HTTP status; 200000 + CURLcode for transport; 0 otherwise.
    pub fn status(&self) -> i64 {
        self.0.status
    }
    /// The system's error number, for [`ErrorKind::Io`].
    pub fn errno(&self) -> Option<i32> {
        self.0.errno
    }
    /// The file concerned, for [`ErrorKind::Io`] and [`ErrorKind::Busy`].
    pub fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// Requests are disabled; the code is that of the OSS C++ SDK.
    pub fn disabled() -> Self {
        Self::new(
            ErrorKind::Disabled,
            "ClientError:100002",
            "requests of this client are disabled; enable them and start the download again",
        )
    }

    /// The download of `object` was cancelled.
    pub fn cancelled(object: &str) -> Self {
        let message = format!("the download of {object} was cancelled");
        Self::new(ErrorKind::Cancelled, "Cancelled", message)
    }

    /// The download of `object` has not ended within `limit`.
    pub fn deadline(object: &str, limit: Duration) -> Self {
        let message = format!("the download of {object} took longer than {limit:?}");
        Self::new(ErrorKind::Deadline, "DeadlineExceeded", message)
    }

    /// Another run is using `path`, a file of this download.
    pub fn busy(path: &Path) -> Self {
        let message = format!(
            "another run is already downloading to this file: '{}' is locked; wait for that run or choose another file_path",
            path.display()
        );
        let mut error = Self::new(ErrorKind::Busy, "Busy", message);
        error.0.path = Some(path.to_owned());
        error
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code, self.0.message)?;
        match &self.0.request_id {
            Some(id) => write!(f, " (request id {id})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}
