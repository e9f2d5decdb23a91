//! `get -r`: downloads all objects of a prefix into a directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use oss_resumable::{Client, ErrorKind, PrefixRequest, PrefixStatus};

use crate::arguments::GetArguments;
use crate::commands::get::{recorder, with_recorder, write_recording};
use crate::configuration::client_options;
use crate::exit::{Exit, Failure};
use crate::interrupt::Interrupt;
use crate::jobs::{create_directory, set_options};
use crate::output::complain;
use crate::progress::{Figures, Progress, Snapshot};
use crate::report::{Form, Report};
use crate::source::bucket_and_rest;

pub fn run(arguments: &GetArguments) -> Result<Exit, Failure> {
    let [source] = arguments.sources.as_slice() else {
        return Err(Failure::Usage("-r takes one source, oss://BUCKET/PREFIX".to_owned()));
    };
    let (bucket, prefix) = bucket_and_rest(source).map_err(Failure::Usage)?;
    let directory = arguments.target.directory.clone().unwrap_or_else(|| PathBuf::from("."));
    let mut options = client_options(&arguments.connection).map_err(Failure::Usage)?;
    options.max_bandwidth = arguments.limit.unwrap_or(0);
    let mut request = PrefixRequest::new(bucket, prefix, directory);
    request.manifest_dir.clone_from(&arguments.target.checkpoint_dir);
    set_options(&mut request.objects, arguments);
    create_directory(&arguments.target).map_err(Failure::Failed)?;
    let recorder = recorder(arguments, [source.clone()].into()).map_err(Failure::Failed)?;
    let interrupt = Interrupt::install()
        .map_err(|error| Failure::Failed(format!("cannot handle signals: {error}")))?;
    let client = Client::new(with_recorder(options, recorder.clone()))?;

    let exit = follow(&client, &request, arguments, &interrupt)?;
    match recorder.map_or(Ok(()), |recorder: Arc<_>| write_recording(arguments, &recorder)) {
        Ok(()) => Ok(exit),
        Err(why) if exit == Exit::Success => Err(Failure::Failed(why)),
        Err(why) => {
            complain(&why);
            Ok(exit)
        }
    }
}

fn follow(
    client: &Client,
    request: &PrefixRequest,
    arguments: &GetArguments,
    interrupt: &Interrupt,
) -> Result<Exit, Failure> {
    let mut report = Report::new(Form::of(arguments));
    let mut progress = Progress::new(arguments.quiet);
    let download = client.start_prefix(request)?;
    let mut is_stopping = false;
    let result = loop {
        if let Some(result) = download.wait(Some(progress.time_left())) {
            break result;
        }
        if interrupt.is_requested() && !is_stopping {
            is_stopping = true;
            report.tell("stopping; interrupt again to leave at once");
            download.cancel();
        }
        let print = report.has_lines().then_some(|| report.flush());
        progress.show(&snapshot(&download.status()), print);
    };
    progress.finish();
    match result {
        Ok(outcome) => {
            for object in outcome.objects() {
                let name = format!("oss://{}/{}", request.bucket, object.key);
                let path = object.path.as_deref().map(|path| shown(path, outcome.directory()));
                report.object(&name, path.unwrap_or(Path::new("")), &object);
            }
            report.count_bytes(outcome.counts());
        }
        Err(error) if error.kind() == ErrorKind::Cancelled => {
            report.prefix_interrupted(download.status().counts);
        }
        Err(error) => {
            report.flush();
            return Err(error.into());
        }
    }
    Ok(report.finish())
}

/// A path below the directory, without it.
fn shown<'a>(path: &'a Path, directory: &Path) -> &'a Path {
    path.strip_prefix(directory).unwrap_or(path)
}

fn snapshot(status: &PrefixStatus) -> Snapshot {
    let counts = &status.counts;
    let ended = counts.fetched + counts.unchanged + counts.directories + counts.failed;
    let figures = Figures {
        done: counts.bytes_done,
        total: Some(counts.bytes_listed).filter(|_| counts.objects > 0),
        rate: status.bytes_per_second,
        reused: counts.bytes_done.saturating_sub(counts.bytes_from_network),
    };
    let whole = (format!("{ended} of {} files", counts.objects), figures);
    Snapshot { files: Vec::new(), whole, is_single: false }
}
