//! The results of `get -r`.

use std::path::Path;

use oss_resumable::{Error, ErrorKind, ObjectResult, PrefixCounts, PrefixObject};

use super::json::{FileObject, raw};
use super::{Form, Line, Report};
use crate::output::printable;
use crate::quantity::bytes;

impl Report {
    /// What became of an object of a prefix; `target` is its file, as the user would name it. Directories are not counted.
    pub fn object(&mut self, name: &str, target: &Path, object: &PrefixObject<'_>) {
        let totals = &mut self.totals;
        let (state, error) = match object.result {
            ObjectResult::Directory => return,
            ObjectResult::Failed(error) => ("failed", Some(error)),
            ObjectResult::Unchanged => ("unchanged", None),
            _ => ("complete", None),
        };
        totals.files += 1;
        match error {
            Some(_) => totals.failed += 1,
            None => {
                totals.complete += 1;
                totals.unchanged += u64::from(state == "unchanged");
                totals.bytes += object.size;
            }
        }
        match (self.form, error) {
            (Form::Json, _) => {
                let path = object.path.as_ref();
                let object = FileObject {
                    r#type: "file",
                    source: name,
                    path: path.map(|path| path.to_string_lossy().into_owned()),
                    state,
                    bytes_done: if error.is_none() { object.size } else { 0 },
                    outcome: None,
                    error: error.and_then(|error| raw(error.to_json())),
                };
                self.waiting.extend(serde_json::to_string(&object).ok().map(Line::Result));
            }
            (_, Some(error)) => self.waiting.push(Line::Error(format!("{name}: {error}"))),
            (Form::Text, None) if state == "complete" => {
                let target = printable(&target.to_string_lossy());
                let size = bytes(object.size);
                self.waiting.push(Line::Result(format!("{target}  {size}, verified")));
            }
            (_, None) => {}
        }
        self.flush();
    }

    /// The objects of a prefix have these counts, after the result of each one or without them.
    pub fn prefix_ended(&mut self, counts: &PrefixCounts, error: Option<Error>) {
        let totals = &mut self.totals;
        totals.has_prefix = true;
        totals.bytes_from_network = counts.bytes_from_network;
        totals.bytes_reused = counts.bytes_reused;
        let Some(error) = error else { return };
        totals.files = counts.objects.saturating_sub(counts.directories);
        totals.complete = counts.fetched + counts.unchanged;
        totals.unchanged = counts.unchanged;
        totals.failed = counts.failed;
        totals.bytes = counts.bytes_done;
        if error.kind() == ErrorKind::Cancelled {
            totals.interrupted = totals.files.saturating_sub(totals.complete + totals.failed);
            totals.is_interrupted = true;
        } else {
            self.waiting.push(Line::Error(error.to_string()));
            self.error = Some(error);
        }
    }
}
