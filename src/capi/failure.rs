//! Why a call of the C API failed: for a reason of the library, or for one of the boundary's own.

use std::borrow::Cow;
use std::fmt;

use super::allocation::{self, OutOfMemory};
use super::codes::{
    self, OSS_RESUMABLE_ERR_FORKED, OSS_RESUMABLE_ERR_OUT_OF_MEMORY, OSS_RESUMABLE_ERR_VALIDATION,
    oss_resumable_code,
};
use crate::model::error::{Error, ErrorKind};

/// The name of [`OSS_RESUMABLE_ERR_OUT_OF_MEMORY`], which no [`ErrorKind`] has.
pub const OUT_OF_MEMORY: &str = "out_of_memory";

/// The failure of a call. It becomes an `oss_resumable_error`.
#[derive(Debug)]
pub enum Failure {
    /// There is no memory for something that the boundary allocates.
    OutOfMemory,
    /// An argument is wrong.
    Validation(Cow<'static, str>),
    /// The handle was created in another process.
    Forked,
    /// The library failed.
    Library(Error),
}

/// A result whose error is [`Failure`], unless it says otherwise.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    /// A wrong argument. A message without values needs no memory.
    pub fn validation(message: fmt::Arguments<'_>) -> Self {
        match message.as_str() {
            Some(text) => Failure::Validation(Cow::Borrowed(text)),
            None => allocation::format(message)
                .map_or(Failure::OutOfMemory, |text| Failure::Validation(Cow::Owned(text))),
        }
    }

    /// The code that the call returns.
    pub fn code(&self) -> oss_resumable_code {
        match self {
            Failure::OutOfMemory => OSS_RESUMABLE_ERR_OUT_OF_MEMORY,
            Failure::Validation(_) => OSS_RESUMABLE_ERR_VALIDATION,
            Failure::Forked => OSS_RESUMABLE_ERR_FORKED,
            Failure::Library(error) => codes::from_kind(error.kind()),
        }
    }

    /// The name of the code in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Failure::OutOfMemory => OUT_OF_MEMORY,
            Failure::Validation(_) => ErrorKind::Validation.as_str(),
            Failure::Forked => ErrorKind::Forked.as_str(),
            Failure::Library(error) => error.kind().as_str(),
        }
    }

    #[cfg(test)]
    pub fn message(&self) -> &str {
        match self {
            Failure::Validation(message) => message,
            other => panic!("not an argument: {other:?}"),
        }
    }
}

impl From<OutOfMemory> for Failure {
    fn from(_: OutOfMemory) -> Self {
        Failure::OutOfMemory
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Library(error)
    }
}
