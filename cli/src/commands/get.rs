//! `get`: starts all downloads, follows them on one thread, and tells what became of them.

use std::sync::Arc;
use std::time::Duration;

use oss_resumable::{
    Client, ClientOptions, Download, DownloadEvent, Error, ErrorKind, EventKind, EventQueue,
};

use crate::arguments::GetArguments;
use crate::commands::get_prefix;
use crate::configuration::{client_options, url_options};
use crate::exit::{Exit, Failure};
use crate::interrupt::Interrupt;
use crate::jobs::{self, Job};
use crate::output::complain;
use crate::progress::{Board, Progress};
use crate::recording::Recorder;
use crate::report::{Form, Report};

/// What follows a first interrupt.
pub const STOPPING: &str = "stopping; interrupt again to leave at once";

pub fn run(arguments: &GetArguments) -> Result<Exit, Failure> {
    if arguments.recursive {
        return get_prefix::run(arguments);
    }
    let jobs = jobs::plan(arguments).map_err(Failure::Usage)?;
    let options = if jobs.iter().all(|job| job.request.url.is_some()) {
        url_options(&arguments.connection)
    } else {
        client_options(&arguments.connection).map_err(Failure::Usage)?
    };
    jobs::create_directory(&arguments.target).map_err(Failure::Failed)?;
    let names = jobs.iter().map(|job| job.name.clone()).collect();
    let interrupt = Interrupt::install().map_err(Failure::Failed)?;
    with_client(arguments, options, names, |client| {
        Run::new(arguments, &jobs, client)?.follow(&jobs, &interrupt)
    })
}

/// Runs downloads with a client of these options, and records what `--trace` and `--timeline` need. `names` are those of
/// the requests' tags.
pub fn with_client(
    arguments: &GetArguments,
    mut options: ClientOptions,
    names: Arc<[String]>,
    run: impl FnOnce(Client) -> Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    options.max_bandwidth = arguments.limit.unwrap_or(0);
    let (trace, timeline) = (arguments.trace.as_deref(), arguments.timeline.as_deref());
    if trace.is_none() && timeline.is_none() {
        return run(Client::new(options)?);
    }
    let recorder = Recorder::new(trace, timeline.is_some(), names).map_err(Failure::Failed)?;
    let recorder = Arc::new(recorder);
    let sink = recorder.clone();
    let exit = run(Client::new(options.trace(move |trace| sink.record(&trace)))?)?;
    let written = recorder.finish().and_then(|recorded| match (recorded, timeline) {
        (Some(recorded), Some(path)) => recorded.draw(path),
        _ => Ok(()),
    });
    match written {
        Err(why) if exit == Exit::Success => Err(Failure::Failed(why)),
        Err(why) => {
            complain(&why);
            Ok(exit)
        }
        Ok(()) => Ok(exit),
    }
}

/// The downloads of one command.
struct Run {
    client: Client,
    queue: EventQueue,
    /// By the places of their jobs; `None` before the start and after the end.
    downloads: Vec<Option<Download>>,
    running: usize,
    board: Board,
    progress: Progress,
    report: Report,
}

impl Run {
    fn new(arguments: &GetArguments, jobs: &[Job], client: Client) -> Result<Self, Failure> {
        let names = jobs.iter().map(|job| job.target.to_string_lossy().into_owned());
        Ok(Run {
            client,
            queue: EventQueue::new()?,
            downloads: Vec::new(),
            running: 0,
            board: Board::new(names.collect()),
            progress: Progress::new(arguments.quiet),
            report: Report::new(Form::of(arguments)),
        })
    }

    /// Starts the downloads and waits for their ends.
    fn follow(mut self, jobs: &[Job], interrupt: &Interrupt) -> Result<Exit, Failure> {
        for job in jobs {
            if interrupt.is_requested() {
                let error = Error::new(ErrorKind::Cancelled, "Cancelled", "not started");
                self.did_not_start(job, error);
            } else {
                self.start(job);
                self.look(jobs, Duration::ZERO)?;
            }
        }
        let mut is_stopping = false;
        while self.running > 0 {
            if interrupt.is_requested() && !is_stopping {
                is_stopping = true;
                self.report.tell(STOPPING);
                self.downloads.iter().flatten().for_each(Download::cancel);
            }
            let patience = self.progress.time_left();
            self.look(jobs, patience)?;
        }
        self.progress.finish();
        Ok(self.report.finish())
    }

    fn start(&mut self, job: &Job) {
        let request = job.request.clone().event_queue(&self.queue, self.downloads.len() as u64);
        match self.client.start(&request) {
            Ok(download) => {
                self.downloads.push(Some(download));
                self.running += 1;
            }
            Err(error) => self.did_not_start(job, error),
        }
    }

    fn did_not_start(&mut self, job: &Job, error: Error) {
        self.board.end(self.downloads.len(), None);
        self.report.ended(&job.name, &job.target, &Err(error), None);
        self.downloads.push(None);
    }

    /// Takes an event, waiting at most for `patience`, and shows the progress when it is time to.
    fn look(&mut self, jobs: &[Job], patience: Duration) -> Result<(), Failure> {
        if let Some(event) = self.queue.next(Some(patience))? {
            self.take(jobs, &event);
        }
        if self.progress.time_left().is_zero() {
            let report = &mut self.report;
            let print = report.has_lines().then_some(|| report.flush());
            self.progress.show(&self.board.snapshot(), print);
        }
        Ok(())
    }

    fn take(&mut self, jobs: &[Job], event: &DownloadEvent) {
        let Ok(index) = usize::try_from(event.tag) else { return };
        if !matches!(event.kind, EventKind::Ended(_)) {
            self.board.update(index, &event.status);
            return;
        }
        let ended = self.downloads.get_mut(index).and_then(Option::take);
        let result = ended.and_then(|download| download.wait(Some(Duration::ZERO)));
        if let (Some(result), Some(job)) = (result, jobs.get(index)) {
            self.running -= 1;
            self.board.end(index, result.as_ref().ok().map(|_| (&event.status).into()));
            self.report.ended(&job.name, &job.target, &result, Some(&event.status));
        }
    }
}
