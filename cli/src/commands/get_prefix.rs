//! `get -r`: downloads all objects of a prefix into a directory.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use oss_resumable::{
    Client, Error, ErrorKind, Phase, PrefixCounts, PrefixDownload, PrefixOutcome, PrefixPhase,
    PrefixRequest, PrefixStatus, Result,
};

use crate::arguments::GetArguments;
use crate::commands::get::{STOPPING, with_client};
use crate::configuration::client_options;
use crate::exit::{Exit, Failure};
use crate::interrupt::Interrupt;
use crate::jobs::{create_directory, set_options};
use crate::progress::{Figures, Progress, Snapshot, Whole};
use crate::report::{Form, Report};
use crate::source::{bucket_and_rest, is_url};

/// Time between two looks at a directory to which another program downloads.
const LOOK_EVERY: Duration = Duration::from_millis(100);

pub fn run(arguments: &GetArguments) -> std::result::Result<Exit, Failure> {
    let request = request(arguments).map_err(Failure::Usage)?;
    let options = client_options(&arguments.connection).map_err(Failure::Usage)?;
    create_directory(&arguments.target).map_err(Failure::Failed)?;
    let name = format!("oss://{}/{}", request.bucket, request.prefix);
    let interrupt = Interrupt::install().map_err(Failure::Failed)?;
    with_client(arguments, options, [name.clone()].into(), |client| {
        let run = Run {
            place: arguments.target.directory.clone().unwrap_or_default(),
            name,
            request,
            waits: arguments.wait,
            interrupt: &interrupt,
            has_listed: false,
            report: Report::new(Form::of(arguments)),
            progress: Progress::new(arguments.quiet),
        };
        run.follow(&client)
    })
}

/// What the arguments ask for. Nothing has been created.
fn request(arguments: &GetArguments) -> std::result::Result<PrefixRequest, String> {
    let [source] = arguments.sources.as_slice() else {
        let count = arguments.sources.len();
        return Err(format!("-r takes one source, oss://BUCKET/PREFIX, and there are {count}"));
    };
    if is_url(source) {
        return Err("-r takes oss://BUCKET/PREFIX, and no URL".to_owned());
    }
    let (bucket, prefix) = bucket_and_rest(source)?;
    let directory = arguments.target.directory.clone().unwrap_or_else(|| PathBuf::from("."));
    let mut request = PrefixRequest::new(bucket, prefix, directory);
    request.manifest_dir.clone_from(&arguments.target.checkpoint_dir);
    request.verify = arguments.verify;
    set_options(&mut request.objects, arguments);
    Ok(request)
}

/// The download of a prefix.
struct Run<'a> {
    /// The directory, as the user named it; empty for the current one.
    place: PathBuf,
    name: String,
    request: PrefixRequest,
    /// Whether to wait for another program that downloads to the directory.
    waits: bool,
    interrupt: &'a Interrupt,
    has_listed: bool,
    report: Report,
    progress: Progress,
}

impl Run<'_> {
    /// Starts the download and waits for its end.
    fn follow(mut self, client: &Client) -> std::result::Result<Exit, Failure> {
        let download = match self.start(client) {
            Err(error) if error.kind() == ErrorKind::Validation => return Err(error.into()),
            started => started,
        };
        let result = match &download {
            Ok(download) => self.wait(download),
            Err(error) => Err(error.clone()),
        };
        self.progress.finish();
        match result {
            Ok(outcome) => {
                tell(&mut self.report, &self.request, &self.place, &outcome);
                let nothing = outcome.is_empty().then(|| nothing(&self.name));
                self.report.prefix_ended(&outcome.counts(), nothing);
            }
            Err(error) => {
                let counts = download.map(|download| download.status().counts).unwrap_or_default();
                let has_begun = counts.fetched + counts.unchanged + counts.failed > 0;
                // Before the end of the listing, the number of objects means nothing.
                let is_known = self.has_listed || has_begun;
                let counts = if is_known { counts } else { PrefixCounts::default() };
                self.report.prefix_ended(&counts, Some(error));
            }
        }
        Ok(self.report.finish())
    }

    /// Starts the download, once no other program downloads to the directory if the user wants to wait for it.
    fn start(&mut self, client: &Client) -> Result<PrefixDownload> {
        let mut has_told = false;
        loop {
            match client.start_prefix(&self.request) {
                Err(error) if error.kind() == ErrorKind::Busy && self.waits => {}
                started => return started,
            }
            if self.interrupt.is_requested() {
                return Err(Error::new(ErrorKind::Cancelled, "Cancelled", "not started"));
            }
            if !has_told {
                has_told = true;
                self.report.tell("waiting for another program that downloads to the directory");
                self.report.flush();
            }
            thread::sleep(LOOK_EVERY);
        }
    }

    fn wait(&mut self, download: &PrefixDownload) -> Result<PrefixOutcome> {
        let mut is_stopping = false;
        loop {
            if let Some(result) = download.wait(Some(self.progress.time_left())) {
                return result;
            }
            if self.interrupt.is_requested() && !is_stopping {
                is_stopping = true;
                self.report.tell(STOPPING);
                download.cancel();
            }
            let status = download.status();
            self.has_listed |= status.phase == PrefixPhase::Transferring;
            let now = self.snapshot(download, &status);
            let report = &mut self.report;
            let print = report.has_lines().then_some(|| report.flush());
            self.progress.show(&now, print);
        }
    }

    fn snapshot(&self, download: &PrefixDownload, status: &PrefixStatus) -> Snapshot {
        let counts = &status.counts;
        if status.phase == PrefixPhase::Listing {
            let name = format!("listing: {} objects", counts.objects);
            let whole = Whole { short_name: name.clone(), name, figures: None };
            return Snapshot { files: Vec::new(), whole, is_single: false };
        }
        let ended = counts.fetched + counts.unchanged + counts.failed;
        let figures = Figures {
            done: counts.bytes_done,
            total: Some(counts.bytes_listed),
            rate: status.bytes_per_second,
            reused: counts.bytes_reused,
        };
        let active = download.active_objects().into_iter();
        let files = active.filter(|object| object.status.phase != Phase::Queued).map(|object| {
            let name = relative(&self.request, &object.key).to_owned();
            (name, Figures::from(&object.status))
        });
        let of = counts.objects - counts.directories;
        let whole = Whole::of_files(ended, of, figures);
        Snapshot { files: files.collect(), whole, is_single: false }
    }
}

fn nothing(name: &str) -> Error {
    let message = format!("no key of an object begins with {name}");
    Error::new(ErrorKind::Service, "NoSuchKey", message)
}

fn tell(report: &mut Report, request: &PrefixRequest, place: &Path, outcome: &PrefixOutcome) {
    for object in outcome.objects() {
        let name = format!("oss://{}/{}", request.bucket, object.key);
        let target = place.join(relative(request, &object.key));
        report.object(&name, &target, &object);
    }
}

/// The path of an object's file in the directory: its key without what the prefix has up to its last slash.
fn relative<'a>(request: &PrefixRequest, key: &'a str) -> &'a str {
    let base = request.prefix.rfind('/').map_or(0, |slash| slash + 1);
    key.get(base..).unwrap_or(key)
}
