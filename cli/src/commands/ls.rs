//! `ls`: what a bucket contains.

use std::time::SystemTime;

use jiff::Timestamp;
use oss_resumable::{Client, ListEntry, ListRequest, ListedObject};
use serde::Serialize;

use crate::arguments::LsArguments;
use crate::configuration::client_options;
use crate::exit::{Exit, Failure};
use crate::output::{Lines, printable};
use crate::source::bucket_and_rest;

/// An entry in JSON.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Entry<'a> {
    Object {
        key: &'a str,
        size: u64,
        etag: Option<&'a str>,
        last_modified: Option<String>,
        storage_class: Option<&'a str>,
    },
    Prefix {
        prefix: &'a str,
    },
}

pub fn run(arguments: &LsArguments) -> Result<Exit, Failure> {
    let (bucket, prefix) = bucket_and_rest(&arguments.source).map_err(Failure::Usage)?;
    let options = client_options(&arguments.connection).map_err(Failure::Usage)?;
    let mut request = ListRequest::new(bucket).prefix(prefix);
    if !arguments.recursive {
        request = request.delimiter("/");
    }
    let mut lines = Lines::default();
    for entry in Client::new(options)?.list_objects(&request)? {
        let entry = entry?;
        let line = if arguments.json { json(&entry) } else { text(bucket, &entry) };
        if let Some(line) = line {
            lines.write(line);
        }
        if lines.has_failed() {
            break;
        }
    }
    lines.finish().map_err(Failure::Failed)?;
    Ok(Exit::Success)
}

fn json(entry: &ListEntry) -> Option<String> {
    let entry = match entry {
        ListEntry::Object(object) => Entry::Object {
            key: &object.key,
            size: object.size,
            etag: object.etag.as_deref(),
            last_modified: object.last_modified.and_then(time),
            storage_class: object.storage_class.as_deref(),
        },
        ListEntry::CommonPrefix(prefix) => Entry::Prefix { prefix },
        _ => return None,
    };
    serde_json::to_string(&entry).ok()
}

fn text(bucket: &str, entry: &ListEntry) -> Option<String> {
    let row = |size: &str, time: &str, key: &str| {
        format!("{size:>14}  {time:20}  oss://{bucket}/{}", printable(key))
    };
    match entry {
        ListEntry::Object(object) => {
            let ListedObject { size, last_modified, key, .. } = object;
            let time = last_modified.and_then(time).unwrap_or_default();
            Some(row(&size.to_string(), &time, key))
        }
        ListEntry::CommonPrefix(prefix) => Some(row("", "", prefix)),
        _ => None,
    }
}

/// A time as `2026-01-31T12:00:00Z`; `None` for one that no calendar has.
fn time(at: SystemTime) -> Option<String> {
    let seconds = at.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    let at = Timestamp::from_second(i64::try_from(seconds).ok()?).ok()?;
    Some(at.to_string())
}
