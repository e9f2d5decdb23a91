//! `discard`: deletes the checkpoint of an unfinished download, and what it has downloaded.

use crate::arguments::CheckpointArguments;
use crate::commands::status::{nothing, open};
use crate::exit::{Exit, Failure};
use crate::output::{Lines, printable};

pub fn run(arguments: &CheckpointArguments) -> Result<Exit, Failure> {
    let (job, client) = open(arguments)?;
    let discarded = client.discard_checkpoint(&job.request)?;
    let mut lines = Lines::default();
    if arguments.json {
        lines.write(serde_json::json!({ "source": job.name, "discarded": discarded }));
    } else if discarded {
        lines.write(printable(&format!("discarded the unfinished download of {}", job.name)));
    } else {
        lines.write(printable(&nothing(&job)));
    }
    lines.finish().map_err(Failure::Failed)?;
    Ok(Exit::Success)
}
