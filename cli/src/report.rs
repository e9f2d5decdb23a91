//! The results of `get`: a line or a JSON object for each file, and one for the whole.

use std::path::Path;
use std::time::Instant;

use oss_resumable::{
    Error, ErrorKind, ObjectResult, Outcome, PrefixCounts, PrefixObject, Proof, Result, Status,
};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::arguments::GetArguments;
use crate::exit::Exit;
use crate::output::{Lines, complain, note, printable};
use crate::quantity::{bytes, clock, rate};

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Lines for people.
    Text,
    /// JSON objects, one in a line.
    Json,
    /// Errors only.
    Quiet,
}

impl Form {
    pub fn of(arguments: &GetArguments) -> Self {
        match arguments {
            GetArguments { json: true, .. } => Form::Json,
            GetArguments { quiet: true, .. } => Form::Quiet,
            _ => Form::Text,
        }
    }
}

/// Collects the results, and writes them when nothing else is being drawn.
pub struct Report {
    form: Form,
    begun: Instant,
    lines: Lines,
    /// Results and errors that have not been written.
    waiting: Vec<Line>,
    totals: Totals,
}

enum Line {
    Result(String),
    Error(String),
    Note(String),
}

#[derive(Default)]
struct Totals {
    files: u64,
    complete: u64,
    failed: u64,
    interrupted: u64,
    bytes: u64,
    bytes_from_network: u64,
    bytes_reused: u64,
    /// Bytes of interrupted files that a later run finds.
    kept: u64,
}

/// What became of a file in JSON; `docs/command.md` describes the fields.
#[derive(Serialize)]
struct FileObject<'a> {
    r#type: &'static str,
    source: &'a str,
    path: String,
    state: &'static str,
    bytes_done: u64,
    outcome: Option<Box<RawValue>>,
    error: Option<ErrorObject<'a>>,
}

#[derive(Serialize)]
struct ErrorObject<'a> {
    code: &'a str,
    message: &'a str,
    status: i64,
    request_id: Option<&'a str>,
    ec: Option<&'a str>,
}

#[derive(Serialize)]
struct SummaryObject {
    r#type: &'static str,
    files: u64,
    complete: u64,
    failed: u64,
    interrupted: u64,
    bytes: u64,
    bytes_from_network: u64,
    bytes_reused: u64,
    elapsed_ms: u64,
    exit_code: u8,
}

impl Report {
    pub fn new(form: Form) -> Self {
        Report {
            form,
            begun: Instant::now(),
            lines: Lines::default(),
            waiting: Vec::new(),
            totals: Totals::default(),
        }
    }

    /// A download has ended, with this last status if it had started.
    pub fn ended(
        &mut self,
        name: &str,
        target: &Path,
        result: &Result<Outcome>,
        last: Option<&Status>,
    ) {
        let state = self.totals.add(result, last);
        match (self.form, result) {
            (Form::Json, _) => {
                let object = FileObject {
                    r#type: "file",
                    source: name,
                    path: match result {
                        Ok(outcome) => outcome.file_path.to_string_lossy().into_owned(),
                        Err(_) => absolute(target),
                    },
                    state,
                    bytes_done: last.map_or(0, |status| status.bytes_done),
                    outcome: result.as_ref().ok().and_then(raw),
                    error: result.as_ref().err().map(ErrorObject::from),
                };
                self.waiting.extend(serde_json::to_string(&object).ok().map(Line::Result));
            }
            (Form::Text, Ok(outcome)) => {
                self.waiting.push(Line::Result(success(target, outcome)));
            }
            (_, Ok(_)) => {}
            (_, Err(error)) if error.kind() == ErrorKind::Cancelled => {}
            (_, Err(error)) => self.waiting.push(Line::Error(failure(name, error))),
        }
    }

    /// An object of a prefix has this result.
    pub fn object(&mut self, name: &str, path: &Path, object: &PrefixObject<'_>) {
        let (state, error) = match object.result {
            ObjectResult::Directory => return,
            ObjectResult::Failed(error) => ("failed", Some(error)),
            ObjectResult::Unchanged => ("unchanged", None),
            _ => ("complete", None),
        };
        self.totals.files += 1;
        match error {
            None => {
                (self.totals.complete, self.totals.bytes) =
                    (self.totals.complete + 1, self.totals.bytes + object.size)
            }
            Some(_) => self.totals.failed += 1,
        }
        if self.form == Form::Json {
            let absolute = object.path.as_ref().map(|path| path.to_string_lossy().into_owned());
            let object = FileObject {
                r#type: "file",
                source: name,
                path: absolute.unwrap_or_default(),
                state,
                bytes_done: if error.is_none() { object.size } else { 0 },
                outcome: None,
                error: error.map(ErrorObject::from),
            };
            self.waiting.extend(serde_json::to_string(&object).ok().map(Line::Result));
        } else if let Some(error) = error {
            self.waiting.push(Line::Error(failure(name, error)));
        } else if state == "complete" && self.form == Form::Text {
            let path = printable(&path.to_string_lossy());
            self.waiting.push(Line::Result(format!("{path}  {}, verified", bytes(object.size))));
        }
    }

    /// What a prefix download has received and reused.
    pub fn count_bytes(&mut self, counts: PrefixCounts) {
        self.totals.bytes_from_network = counts.bytes_from_network;
        self.totals.bytes_reused = counts.bytes_done.saturating_sub(counts.bytes_from_network);
    }

    /// A prefix download was interrupted.
    pub fn prefix_interrupted(&mut self, counts: PrefixCounts) {
        self.count_bytes(counts);
        let totals = &mut self.totals;
        totals.complete = counts.fetched + counts.unchanged;
        totals.failed = counts.failed;
        totals.files = counts.objects - counts.directories;
        totals.interrupted = (totals.files - totals.complete - totals.failed).max(1);
        totals.bytes = counts.bytes_done;
    }

    /// A message for the user between the results.
    pub fn tell(&mut self, line: &str) {
        if self.form != Form::Quiet {
            self.waiting.push(Line::Note(line.to_owned()));
        }
    }

    /// Whether there is something to write.
    pub fn has_lines(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Writes what has not been written.
    pub fn flush(&mut self) {
        for line in self.waiting.drain(..) {
            match line {
                Line::Result(line) => self.lines.write(line),
                Line::Error(line) => complain(&line),
                Line::Note(line) => note(&line),
            }
        }
    }

    /// Writes the summary.
    pub fn finish(mut self) -> Exit {
        self.flush();
        let totals = &self.totals;
        let mut exit = match totals {
            Totals { interrupted: 1.., .. } => Exit::Interrupted,
            Totals { failed: 1.., .. } => Exit::Failed,
            _ => Exit::Success,
        };
        let elapsed = self.begun.elapsed();
        match self.form {
            Form::Json => {
                let object = SummaryObject {
                    r#type: "summary",
                    files: totals.files,
                    complete: totals.complete,
                    failed: totals.failed,
                    interrupted: totals.interrupted,
                    bytes: totals.bytes,
                    bytes_from_network: totals.bytes_from_network,
                    bytes_reused: totals.bytes_reused,
                    elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
                    exit_code: exit as u8,
                };
                if let Ok(text) = serde_json::to_string(&object) {
                    self.lines.write(text);
                }
            }
            Form::Text if totals.files > 1 && exit != Exit::Interrupted => {
                note(&format!(
                    "{} of {} files, {} in {}, {}",
                    totals.complete,
                    totals.files,
                    bytes(totals.bytes),
                    clock(elapsed),
                    rate(per_second(totals.bytes_from_network, elapsed.as_secs_f64())),
                ));
            }
            Form::Text | Form::Quiet => {}
        }
        if exit == Exit::Interrupted {
            let complete = match totals {
                Totals { files: 1, .. } => String::new(),
                Totals { complete, files, .. } => {
                    format!("{complete} of {files} files are complete, ")
                }
            };
            let kept = bytes(totals.kept);
            complain(&format!(
                "interrupted: {complete}{kept} of unfinished files are kept; run the same command again to go on"
            ));
        }
        if let Err(why) = self.lines.finish() {
            complain(&why);
            exit = Exit::Failed;
        }
        exit
    }
}

impl Totals {
    /// Counts a result; returns the state that it means.
    fn add(&mut self, result: &Result<Outcome>, last: Option<&Status>) -> &'static str {
        self.files += 1;
        self.bytes_from_network += last.map_or(0, |last| last.statistics.bytes_from_network);
        match result {
            Ok(outcome) => {
                self.complete += 1;
                self.bytes += outcome.file_size;
                self.bytes_reused += outcome.statistics.bytes_reused;
                "complete"
            }
            Err(error) if error.kind() == ErrorKind::Cancelled => {
                self.interrupted += 1;
                self.kept += last.map_or(0, |last| last.bytes_done);
                "interrupted"
            }
            Err(_) => {
                self.failed += 1;
                "failed"
            }
        }
    }
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

fn raw(outcome: &Outcome) -> Option<Box<RawValue>> {
    RawValue::from_string(outcome.to_json()).ok()
}

fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).to_string_lossy().into_owned()
}

fn success(target: &Path, outcome: &Outcome) -> String {
    let figures = &outcome.statistics;
    let mut line =
        format!("{}  {}", printable(&target.to_string_lossy()), bytes(outcome.file_size));
    if figures.bytes_reused > 0 {
        line += &format!(", {} reused", bytes(figures.bytes_reused));
    }
    line += &format!(
        ", {}",
        rate(per_second(figures.bytes_from_network, figures.elapsed.as_secs_f64()))
    );
    line + match outcome.proof {
        Proof::ObjectCrc => ", checksum verified",
        Proof::ExpectedDigest => ", digest verified",
        _ => ", the service has no checksum",
    }
}

fn failure(name: &str, error: &Error) -> String {
    let id = error.request_id().map_or(String::new(), |id| format!(" (request id {id})"));
    format!("{name}: {error}{id}")
}

fn per_second(bytes: u64, seconds: f64) -> u64 {
    (bytes as f64 / seconds.max(0.001)) as u64
}
