//! The results of `get`: a line or a JSON object for each file, and one for the whole.

mod json;
mod prefix;

use std::path::Path;
use std::time::{Duration, Instant};

use oss_resumable::{Error, ErrorKind, Outcome, Proof, Result, Status};

use crate::arguments::GetArguments;
use crate::exit::Exit;
use crate::output::{Lines, complain, note, printable};
use crate::quantity::{bytes, clock, rate};
use json::{FileObject, SummaryObject, raw};

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
    /// Why the whole failed.
    error: Option<Error>,
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
    /// Complete files that were there.
    unchanged: u64,
    failed: u64,
    interrupted: u64,
    is_interrupted: bool,
    /// The files are those of a prefix.
    has_prefix: bool,
    bytes: u64,
    bytes_from_network: u64,
    bytes_reused: u64,
    /// Bytes of interrupted files that a later run finds.
    kept: u64,
}

impl Report {
    pub fn new(form: Form) -> Self {
        Report {
            form,
            begun: Instant::now(),
            lines: Lines::default(),
            waiting: Vec::new(),
            totals: Totals::default(),
            error: None,
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
                    path: Some(match result {
                        Ok(outcome) => outcome.file_path.to_string_lossy().into_owned(),
                        Err(_) => absolute(target),
                    }),
                    state,
                    bytes_done: last.map_or(0, |status| status.bytes_done),
                    outcome: result.as_ref().ok().and_then(|outcome| raw(outcome.to_json())),
                    error: result.as_ref().err().and_then(|error| raw(error.to_json())),
                };
                self.waiting.extend(serde_json::to_string(&object).ok().map(Line::Result));
            }
            (Form::Text, Ok(outcome)) => {
                self.waiting.push(Line::Result(success(target, outcome)));
            }
            (_, Ok(_)) => {}
            (_, Err(error)) if error.kind() == ErrorKind::Cancelled => {}
            (_, Err(error)) => self.waiting.push(Line::Error(format!("{name}: {error}"))),
        }
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
        let mut exit = match (&self.totals, &self.error) {
            (Totals { is_interrupted: true, .. }, _) => Exit::Interrupted,
            (Totals { failed: 1.., .. }, _) | (_, Some(_)) => Exit::Failed,
            _ => Exit::Success,
        };
        let elapsed = self.begun.elapsed();
        let totals = &self.totals;
        match self.form {
            Form::Json => {
                let summary = totals.summary(elapsed, self.error.as_ref(), exit);
                if let Ok(text) = serde_json::to_string(&summary) {
                    self.lines.write(text);
                }
            }
            Form::Text if totals.files > 1 || totals.has_prefix => {
                if self.error.is_none() && exit != Exit::Interrupted {
                    note(&totals.sentence(elapsed));
                }
            }
            Form::Text | Form::Quiet => {}
        }
        if exit == Exit::Interrupted {
            complain(&totals.interruption());
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
                self.is_interrupted = true;
                self.kept += last.map_or(0, |last| last.bytes_done);
                "interrupted"
            }
            Err(_) => {
                self.failed += 1;
                "failed"
            }
        }
    }

    fn summary(&self, elapsed: Duration, error: Option<&Error>, exit: Exit) -> SummaryObject {
        SummaryObject {
            r#type: "summary",
            files: self.files,
            complete: self.complete,
            unchanged: self.unchanged,
            failed: self.failed,
            interrupted: self.interrupted,
            bytes: self.bytes,
            bytes_from_network: self.bytes_from_network,
            bytes_reused: self.bytes_reused,
            elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            error: error.and_then(|error| raw(error.to_json())),
            exit_code: exit as u8,
        }
    }

    fn sentence(&self, elapsed: Duration) -> String {
        let unchanged = match self.unchanged {
            0 => String::new(),
            count => format!(" ({count} unchanged)"),
        };
        format!(
            "{} of {} files{unchanged}, {} in {}, {}",
            self.complete,
            self.files,
            bytes(self.bytes),
            clock(elapsed),
            rate(per_second(self.bytes_from_network, elapsed.as_secs_f64())),
        )
    }

    fn interruption(&self) -> String {
        const NEXT: &str = "run the same command again to go on";
        let complete = format!("{} of {} files are complete", self.complete, self.files);
        let kept = format!("{} of unfinished files are kept", bytes(self.kept));
        match self {
            Totals { has_prefix: true, files: 0, .. } => {
                format!("interrupted before anything was downloaded; {NEXT}")
            }
            Totals { has_prefix: true, .. } => format!("interrupted: {complete}; {NEXT}"),
            Totals { files: 1, .. } => format!("interrupted: {kept}; {NEXT}"),
            _ => format!("interrupted: {complete}, {kept}; {NEXT}"),
        }
    }
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

fn per_second(bytes: u64, seconds: f64) -> u64 {
    (bytes as f64 / seconds.max(0.001)) as u64
}
