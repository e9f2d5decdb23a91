//! The thread of a prefix download: lists, plans, and feeds the client's queue.

use std::collections::VecDeque;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::control::{Control, Message};
use super::decision::Circumstances;
use super::inspection::Inspection;
use super::manifest::Manifest;
use super::mapping::Limits;
use super::outcome::{Ends, PrefixOutcome};
use super::plan::{Index, Plan};
use super::tree::Tree;
use crate::client::Client;
use crate::model::error::{Error, ErrorKind, Result};
use crate::model::listing::{ListEntry, ListRequest};
use crate::model::options::LogLevel;
use crate::model::outcome::Statistics;
use crate::model::prefix::{PrefixCounts, PrefixRequest};
use crate::sync::channel::{Receiver, Sender};
use crate::sys;

/// Objects whose downloads have started, at least: enough for the client's queue to be never empty.
const MIN_WINDOW: usize = 64;
/// Objects that are looked at between two looks at what has happened.
const TURN: usize = 64;
/// Longest time between two looks at the deadline.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// A prefix download on its thread.
pub struct Run {
    pub client: Client,
    pub request: PrefixRequest,
    pub control: Arc<Control>,
    pub inbox: Receiver<Message>,
    /// Where downloads report their ends.
    pub messages: Sender<Message>,
    /// Without links.
    pub directory: PathBuf,
    /// Where the checkpoints are.
    pub checkpoints: PathBuf,
    pub tree: Tree,
    pub manifest: Manifest,
    pub limits: Limits,
    /// The directory does not distinguish upper and lower case.
    pub folds: bool,
    pub circumstances: Circumstances,
    pub window: usize,
    pub started: Instant,
    pub progress: Progress,
}

/// What has been done so far.
#[derive(Default)]
pub struct Progress {
    pub plan: Plan,
    pub ends: Ends,
    pub counts: PrefixCounts,
    /// Those of the downloads that have ended, added up.
    pub statistics: Statistics,
    /// The next object to look at.
    pub next: Index,
    /// Objects whose files must be read.
    pub to_read: VecDeque<Index>,
    pub inspection: Option<Inspection>,
    pub buffer: Vec<u8>,
}

impl Run {
    /// The number of objects whose downloads may have started, if the client runs so many at once.
    pub fn window_for(max_active: u32) -> usize {
        usize::try_from(max_active).unwrap_or(usize::MAX).saturating_mul(2).max(MIN_WINDOW)
    }

    /// Does everything; returns the result once no download is active.
    pub fn run(&mut self) -> Result<PrefixOutcome> {
        let result = self.manifest.load().and_then(|()| self.list()).and_then(|()| self.work());
        if result.is_err() {
            self.control.cancel_active();
            while self.control.active() > 0 {
                if let Ok(Message::Ended(index)) = self.inbox.recv() {
                    self.download_ended(index);
                }
            }
        }
        if result.is_ok() {
            self.remove_leftovers();
        }
        let flushed = self.flush();
        result.and(flushed)?;
        let Progress { plan, ends, counts, .. } = std::mem::take(&mut self.progress);
        Ok(PrefixOutcome::new(self.directory.clone(), plan, ends, counts))
    }

    fn list(&mut self) -> Result<()> {
        let mut list = ListRequest::new(&self.request.bucket).prefix(&self.request.prefix);
        list.start_after = self.request.start_after.clone();
        list.requester_pays = self.request.objects.requester_pays;
        let mut plan = Plan::new(&self.request.prefix);
        let listing = self.client.list_objects(&list)?;
        self.control.list_with(listing.canceller());
        for entry in listing {
            self.check_limits()?;
            let ListEntry::Object(object) = entry.map_err(|error| self.explained(error))? else {
                continue;
            };
            self.progress.counts.objects += 1;
            self.progress.counts.bytes_listed += object.size;
            self.control.set_counts(self.progress.counts);
            if !plan.add(&object) {
                return Err(Error::internal("there are too many objects"));
            }
        }
        // Names of temporary files are digests.
        let exit_guard = sys::exit::guard()?;
        plan.complete(self.limits, self.folds);
        drop(exit_guard);
        self.progress.ends = Ends::new(plan.len());
        self.progress.counts.objects = plan.len();
        self.progress.counts.bytes_listed =
            plan.indexes().map(|index| plan.planned(index).size).fold(0, u64::saturating_add);
        self.progress.plan = plan;
        self.control.set_counts(self.progress.counts);
        self.forget_unlisted()
    }

    /// A cancelled listing is a cancelled prefix download.
    fn explained(&self, error: Error) -> Error {
        match self.check_limits() {
            Err(limit) => limit,
            Ok(()) => error,
        }
    }

    /// Drops the records of objects of this prefix that are not there any more, if there are many.
    fn forget_unlisted(&mut self) -> Result<()> {
        let (request, plan) = (&self.request, &self.progress.plan);
        let lists_all = request.start_after.is_none();
        self.manifest.compact(&|record| {
            record.bucket != request.bucket
                || !record.key.starts_with(&request.prefix)
                || !lists_all
                || plan.contains(&record.key)
        })
    }

    /// Looks at all objects, and waits for the downloads that this takes.
    fn work(&mut self) -> Result<()> {
        self.control.begin_transfer();
        loop {
            self.check_limits()?;
            self.control.follow_pause();
            let is_paused = self.control.is_paused();
            let has_started = if is_paused { false } else { self.look_at_some()? };
            let has_read = if is_paused { false } else { self.read_some()? };
            self.control.set_counts(self.progress.counts);
            let is_done = self.progress.next_index().is_none()
                && self.progress.to_read.is_empty()
                && self.progress.inspection.is_none()
                && self.control.active() == 0;
            if is_done {
                return Ok(());
            }
            if !has_started && !has_read {
                let until = Instant::now() + LOOK_EVERY;
                if let Ok(message) = self.inbox.recv_deadline(until) {
                    self.receive(message)?;
                }
            }
            while let Ok(message) = self.inbox.try_recv() {
                self.receive(message)?;
            }
        }
    }

    fn receive(&mut self, message: Message) -> Result<()> {
        match message {
            Message::Wake => Ok(()),
            Message::Ended(index) => self.download_ended(index).map_or(Ok(()), Err),
        }
    }

    /// Looks at the next objects, as long as downloads may start; `false` if there was nothing to look at.
    fn look_at_some(&mut self) -> Result<bool> {
        for looked in 0..TURN {
            let next = self.progress.next_index().filter(|_| self.control.active() < self.window);
            let Some(index) = next else { return Ok(looked > 0) };
            self.progress.next += 1;
            self.look_at(index)?;
        }
        Ok(true)
    }

    pub fn check_limits(&self) -> Result<()> {
        let listed = self.request.listed();
        if self.control.is_cancelled() {
            let message = format!("the download of {listed} was cancelled");
            return Err(Error::new(ErrorKind::Cancelled, "Cancelled", message));
        }
        match self.request.deadline {
            Some(limit) if self.started.elapsed() >= limit => Err(Error::deadline(&listed, limit)),
            _ => Ok(()),
        }
    }

    /// Unlocks the manifest. One without records is removed, with its directory if that is empty.
    pub fn release(self) {
        self.manifest.remove_if_empty();
        if self.request.manifest_dir.is_none() {
            // It fails if anything is in there.
            let _ = fs::remove_dir(&self.checkpoints);
        }
    }

    fn flush(&mut self) -> Result<()> {
        if !self.request.objects.flush {
            return Ok(());
        }
        self.manifest.flush()?;
        self.tree.flush()
    }

    pub fn log(&self, level: LogLevel, line: impl FnOnce() -> String) {
        let options = self.client.options();
        if let Some(sink) = options.log.as_ref().filter(|_| level <= options.log_level) {
            sink(level, &format!("{}: {}", self.request.listed(), line()));
        }
    }
}

impl Progress {
    fn next_index(&self) -> Option<Index> {
        (u64::from(self.next) < self.plan.len()).then_some(self.next)
    }
}
