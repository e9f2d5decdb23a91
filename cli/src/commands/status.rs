//! `status`: what the checkpoint of an unfinished download holds.

use oss_resumable::{CheckpointInfo, Client, ClientOptions};
use serde::Serialize;

use crate::arguments::CheckpointArguments;
use crate::exit::{Exit, Failure};
use crate::jobs::Job;
use crate::output::{Lines, printable};
use crate::quantity::bytes;

/// The checkpoint in JSON.
#[derive(Serialize)]
struct Object<'a> {
    source: &'a str,
    target: String,
    checkpoint: String,
    etag: &'a str,
    object_size: u64,
    bytes_recorded: u64,
    last_modified: Option<&'a str>,
}

pub fn run(arguments: &CheckpointArguments) -> Result<Exit, Failure> {
    let (job, client) = open(arguments)?;
    let mut lines = Lines::default();
    let found = client.inspect_checkpoint(&job.request)?;
    let Some(info) = found else {
        return Err(Failure::Failed(nothing(&job)));
    };
    if arguments.json {
        let object = Object {
            source: &job.name,
            target: info.file_path.to_string_lossy().into_owned(),
            checkpoint: info.path.to_string_lossy().into_owned(),
            etag: &info.etag,
            object_size: info.object_size,
            bytes_recorded: info.bytes_recorded,
            last_modified: info.last_modified.as_deref(),
        };
        let object = serde_json::to_string(&object);
        lines.write(object.map_err(|error| Failure::Failed(error.to_string()))?);
    } else {
        for (name, value) in describe(&job, &info) {
            lines.write(format!("{name:<14} {}", printable(&value)));
        }
    }
    lines.finish().map_err(Failure::Failed)?;
    Ok(Exit::Success)
}

/// The download whose checkpoint is meant, and a client. Nothing is sent.
pub fn open(arguments: &CheckpointArguments) -> Result<(Job, Client), Failure> {
    let source = crate::source::Source::parse(&arguments.source).map_err(Failure::Usage)?;
    let job = Job::new(&source, &arguments.target).map_err(Failure::Usage)?;
    let client = Client::new(ClientOptions::for_urls())?;
    Ok((job, client))
}

/// Says that there is no checkpoint.
pub fn nothing(job: &Job) -> String {
    format!("there is no unfinished download of {} to '{}'", job.name, job.target.display())
}

fn describe(job: &Job, info: &CheckpointInfo) -> Vec<(&'static str, String)> {
    let size = info.range.end - info.range.start;
    let share =
        (u128::from(info.bytes_recorded) * 100).checked_div(u128::from(size)).unwrap_or(100);
    vec![
        ("source", job.name.clone()),
        ("target", info.file_path.display().to_string()),
        ("checkpoint", info.path.display().to_string()),
        ("downloaded", format!("{} of {} ({share}%)", bytes(info.bytes_recorded), bytes(size))),
        ("etag", info.etag.clone()),
        ("last modified", info.last_modified.clone().unwrap_or_else(|| "unknown".to_owned())),
    ]
}
