//! Results in JSON; `docs/command.md` describes the fields.

use oss_resumable::{Error, Outcome};
use serde::Serialize;
use serde_json::value::RawValue;

/// What became of a file.
#[derive(Serialize)]
pub struct FileObject<'a> {
    pub r#type: &'static str,
    pub source: &'a str,
    pub path: Option<String>,
    pub state: &'static str,
    pub bytes_done: u64,
    pub outcome: Option<Box<RawValue>>,
    pub error: Option<ErrorObject<'a>>,
}

#[derive(Serialize)]
pub struct ErrorObject<'a> {
    code: &'a str,
    message: &'a str,
    status: i64,
    request_id: Option<&'a str>,
    ec: Option<&'a str>,
}

/// What became of the whole.
#[derive(Serialize)]
pub struct SummaryObject<'a> {
    pub r#type: &'static str,
    pub files: u64,
    pub complete: u64,
    pub unchanged: u64,
    pub failed: u64,
    pub interrupted: u64,
    pub bytes: u64,
    pub bytes_from_network: u64,
    pub bytes_reused: u64,
    pub elapsed_ms: u64,
    pub error: Option<ErrorObject<'a>>,
    pub exit_code: u8,
}

impl<'a> From<&'a Error> for ErrorObject<'a> {
    fn from(error: &'a Error) -> Self {
        ErrorObject {
            code: error.code(),
            message: error.message(),
            status: error.status(),
            request_id: error.request_id(),
            ec: error.ec(),
        }
    }
}

pub fn raw(outcome: &Outcome) -> Option<Box<RawValue>> {
    RawValue::from_string(outcome.to_json()).ok()
}
