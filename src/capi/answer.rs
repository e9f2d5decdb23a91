//! How a callback of the host answers: through a sink, while it runs.

use std::ffi::c_char;

use parking_lot::Mutex;

use super::codes::{OSS_RESUMABLE_OK, oss_resumable_code};
use super::text;
use crate::model::error::{Error, Result};

/// What a sink holds: a value, or why there is none.
pub type Answer<T> = Mutex<Option<std::result::Result<T, String>>>;

/// Answers; of several answers the last one counts. Without a sink it is a validation error.
pub fn give<T>(
    sink: Option<&Answer<T>>,
    answer: std::result::Result<T, String>,
) -> Result<oss_resumable_code> {
    let sink = sink.ok_or_else(|| Error::validation("the sink is NULL"))?;
    *sink.lock() = Some(answer);
    Ok(OSS_RESUMABLE_OK)
}

/// Answers with a failure. A message that is not valid UTF-8 is an error, and the failure is the answer all the same.
///
/// # Safety
/// `message` is NULL or NUL-terminated.
pub unsafe fn fail<T>(
    sink: Option<&Answer<T>>,
    message: *const c_char,
) -> Result<oss_resumable_code> {
    // SAFETY: this function's contract.
    let reason = unsafe { text::optional(message, "message") };
    let kept = reason.as_ref().map_or("the reason was not valid UTF-8", |reason| {
        reason.as_deref().unwrap_or("no reason was given")
    });
    let answered = give(sink, Err(kept.to_owned()));
    reason.and(answered)
}
