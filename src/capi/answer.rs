//! How a callback of the host answers: through a sink, while it runs.

use std::borrow::Cow;
use std::ffi::c_char;

use parking_lot::Mutex;

use super::allocation;
use super::codes::{OSS_RESUMABLE_OK, oss_resumable_code};
use super::failure::{Failure, Result};
use super::text;
use crate::model::error::Error;

/// Why there is no value.
type Reason = Cow<'static, str>;

/// What a sink holds: a value, or why there is none.
pub type Answer<T> = Mutex<Option<std::result::Result<T, Reason>>>;

/// The answer that was given; `silence` is the reason without one. A reason for which there is no memory is empty.
pub fn given<T>(sink: Answer<T>, silence: &'static str) -> std::result::Result<T, String> {
    sink.into_inner().unwrap_or(Err(Cow::Borrowed(silence))).map_err(|reason| match reason {
        Cow::Owned(reason) => reason,
        Cow::Borrowed(reason) => allocation::text(reason).unwrap_or_default(),
    })
}

/// Answers; of several answers the last one counts. Without a sink it is a validation error.
pub fn give<T>(
    sink: Option<&Answer<T>>,
    answer: std::result::Result<T, Reason>,
) -> Result<oss_resumable_code> {
    let sink = sink.ok_or_else(|| Failure::validation(format_args!("the sink is NULL")))?;
    *sink.lock() = Some(answer);
    Ok(OSS_RESUMABLE_OK)
}

/// Answers with a failure. A message that is not valid UTF-8, or for which there is no memory, is an error, and the
/// failure is the answer all the same.
///
/// # Safety
/// `message` is NULL or NUL-terminated.
pub unsafe fn fail<T>(
    sink: Option<&Answer<T>>,
    message: *const c_char,
) -> Result<oss_resumable_code> {
    // SAFETY: this function's contract.
    match unsafe { text::optional(message, "message") } {
        Ok(Some(reason)) => give(sink, Err(Cow::Owned(reason))),
        Ok(None) => give(sink, Err(Cow::Borrowed("no reason was given"))),
        Err(failure) => {
            let reason = match failure {
                Failure::OutOfMemory => "there was no memory for the reason",
                _ => "the reason was not valid UTF-8",
            };
            give(sink, Err(Cow::Borrowed(reason)))?;
            Err(failure)
        }
    }
}

/// Answers with the failure `error`, and returns it.
pub fn refuse<T>(sink: Option<&Answer<T>>, error: Error) -> Result<oss_resumable_code> {
    match allocation::text(error.message()) {
        Ok(reason) => {
            give(sink, Err(Cow::Owned(reason)))?;
            Err(Failure::Library(error))
        }
        Err(failure) => {
            give(sink, Err(Cow::Borrowed("there was no memory for the reason")))?;
            Err(failure.into())
        }
    }
}
