//! Results in JSON; `docs/command.md` describes the fields.

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
    pub error: Option<Box<RawValue>>,
}

/// What became of the whole.
#[derive(Serialize)]
pub struct SummaryObject {
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
    pub error: Option<Box<RawValue>>,
    pub exit_code: u8,
}

/// A JSON object that the library has made.
pub fn raw(json: String) -> Option<Box<RawValue>> {
    RawValue::from_string(json).ok()
}
