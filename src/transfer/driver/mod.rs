//! One download from its first request to its rename: a thread of its own that decides everything and does no
//! network I/O itself. Workers, writer threads and the prover tell it what happens through one channel.

mod completion;
mod decryption;
mod failure;
mod first_request;
mod in_flight;
mod preparation;
mod proof;
mod recovery;
mod start_request;
mod stored_extents;
mod throttling;
mod transfer;
mod transfer_loop;
mod waiting;

use std::sync::Arc;
use std::time::Instant;

use crate::checkpoint::journal::JournalLocation;
use crate::model::error::{Error, ErrorKind, Result};
use crate::model::extent::Extent;
use crate::model::options::LogLevel;
use crate::model::outcome::{Outcome, Phase};
use crate::model::request::DownloadRequest;
use crate::storage::paths::Paths;
use crate::sync::channel::Receiver;
use crate::sys::exit;
use crate::sys::panic::catch;

use super::event::{Event, FetchEnd};
use super::policy::connection_limit::ConnectionLimit;
use super::policy::stall_clock::StallClock;
use super::session::Session;
use super::shared::Shared;

use decryption::Unwrapped;
use in_flight::{InFlight, Slot};
use recovery::EarlierRun;
use transfer::Transfer;

/// A download that has been checked and can start.
pub struct Task {
    pub session: Arc<Session>,
    pub request: DownloadRequest,
    pub paths: Paths,
    pub shared: Arc<Shared>,
    pub inbox: Receiver<Event>,
}

/// Runs a download to its end and publishes the result, whatever happens.
pub fn run(task: Task) {
    let shared = task.shared.clone();
    let result = catch(|| drive(task)).unwrap_or_else(|defect| Err(defect.into()));
    shared.end(result);
}

fn drive(task: Task) -> Result<Outcome> {
    let session = task.session.clone();
    let buffers = buffers_for(task.request.thread_num);
    session.writer_threads.buffers().reserve(buffers);
    let mut driver = Driver::new(task);
    let result = catch(|| driver.run()).unwrap_or_else(|defect| {
        // A defect must not leave threads behind that write to the file.
        let ended = catch(|| driver.drain());
        Err(ended.err().unwrap_or(defect).into())
    });
    drop(driver);
    session.writer_threads.buffers().release(buffers);
    result
}

/// One buffer for each connection and a few on their way to the disk; many connections share.
fn buffers_for(connections: u32) -> usize {
    usize::try_from(connections).unwrap_or(usize::MAX).min(60) + 4
}

struct Driver {
    session: Arc<Session>,
    request: DownloadRequest,
    paths: Paths,
    shared: Arc<Shared>,
    inbox: Receiver<Event>,
    slots: Vec<Slot>,
    /// What an earlier run left, until the opening reply says whether it can be used.
    earlier_run: EarlierRun,
    /// Everything that is known once the first good reply came.
    transfer: Option<Transfer>,
    prover: Option<proof::Prover>,
    stall_clock: StallClock,
    /// Runs since the service asked for less traffic, as long as no byte comes.
    throttle_clock: Option<StallClock>,
    /// No request is started before this: the service said when to come back.
    throttled_until: Option<Instant>,
    connection_limit: ConnectionLimit,
    /// Bytes that had come when the patience was last looked at.
    bytes_at_last_check: u64,
    /// A request cannot be signed before the provider has answered.
    awaits_credentials: bool,
    /// The caller's unwrapper is being asked for the content key.
    awaits_key: bool,
    /// The content key of this run.
    unwrapped: Option<Unwrapped>,
    /// Why the last attempt since then failed, for which another was to be made.
    last_error: Option<Error>,
    /// From a request to its first byte, in seconds.
    round_trip: f64,
    /// Starts over because the object had changed.
    restarts: u32,
    /// The service cannot be asked for parts, or the object cannot be pinned: one stream, no resume.
    single_stream: bool,
    /// Everything was fetched once more because the checksum was wrong.
    refetched: bool,
    /// Rounds in which the disk gave back other bytes than were written.
    disk_rounds: u32,
}

impl Driver {
    fn new(task: Task) -> Self {
        let Task { session, request, paths, shared, inbox } = task;
        let thread_num = request.thread_num;
        let slots = (0..thread_num).map(|_| Slot::new()).collect();
        Driver {
            session,
            request,
            paths,
            shared,
            inbox,
            slots,
            earlier_run: EarlierRun::default(),
            transfer: None,
            prover: None,
            stall_clock: StallClock::new(Instant::now()),
            throttle_clock: None,
            throttled_until: None,
            connection_limit: ConnectionLimit::new(thread_num),
            bytes_at_last_check: 0,
            awaits_credentials: false,
            awaits_key: false,
            unwrapped: None,
            last_error: None,
            round_trip: 0.0,
            restarts: 0,
            single_stream: false,
            refetched: false,
            disk_rounds: 0,
        }
    }

    fn run(&mut self) -> Result<Outcome> {
        self.log(LogLevel::Info, || "starting".to_owned());
        let result = match self.download() {
            Err(error) if error.kind() == ErrorKind::Cancelled && self.shared.is_disabled() => {
                Err(Error::disabled())
            }
            result => result,
        };
        // Whatever happened: no thread may write to the file from here on, and what was stored is recorded.
        self.drain();
        match &result {
            Ok(outcome) => self.log(LogLevel::Info, || {
                format!("done: {} bytes in '{}'", outcome.file_size, outcome.file_path.display())
            }),
            Err(error) => {
                self.log(LogLevel::Error, || format!("failed: {error}"));
                self.clean_up(error);
            }
        }
        result
    }

    fn download(&mut self) -> Result<Outcome> {
        self.recover()?;
        loop {
            if self.transfer.is_none() {
                self.open()?;
            }
            self.shared.set_phase(Phase::Transferring);
            match self.fetch_missing()? {
                transfer_loop::TransferEnd::Complete => {
                    self.shared.set_phase(Phase::Finishing);
                    if let Some(outcome) = self.finish()? {
                        return Ok(outcome);
                    }
                }
                transfer_loop::TransferEnd::Changed(why) => self.start_over(&why)?,
                transfer_loop::TransferEnd::Broken(error) => self.restart_stream(error)?,
            }
        }
    }

    /// The object is another one than at the start: everything fetched so far is worthless.
    fn start_over(&mut self, why: &str) -> Result<()> {
        if self.restarts > 0 {
            return Err(Error::new(
                ErrorKind::ObjectChanged,
                "ObjectChanged",
                format!(
                    "{} was replaced while it was being downloaded ({why}), and again after a clean start; download it when nobody writes to it, or name a version",
                    self.object()
                ),
            ));
        }
        self.restarts += 1;
        self.shared.counters.retries_reply.add(1);
        self.log(LogLevel::Warn, || format!("the object has changed ({why}); starting over"));
        self.discard_everything()
    }

    /// A single stream cannot be continued, only repeated.
    fn restart_stream(&mut self, error: Error) -> Result<()> {
        self.restarts += 1;
        if self.restarts >= self.session.options.max_attempts {
            return Err(error.with_context(
                "; the service gives no ETag or ignores ranges, so that the download could not go on where it broke",
            ));
        }
        self.discard_everything()
    }

    fn discard_everything(&mut self) -> Result<()> {
        self.drain();
        let discarded = self.shared.counters.bytes_done.get();
        self.shared.counters.bytes_done.subtract(discarded);
        self.shared.counters.bytes_discarded.add(discarded);
        let reused = self.shared.counters.bytes_reused.get();
        self.shared.counters.bytes_reused.subtract(reused);
        self.shared.set_total(None);
        if let Some(transfer) = self.transfer.take() {
            let (file, journal) = transfer.stored.into_parts();
            if let Some(journal) = journal {
                journal.remove()?;
            }
            file.clear()?;
            let _exit_guard = exit::guard()?;
            self.earlier_run = EarlierRun {
                journal_location: JournalLocation::of(&self.request, &self.paths),
                temp: Some(file),
                is_new: true,
                ..EarlierRun::default()
            };
        }
        Ok(())
    }

    /// Stops every fetch and the proof and waits for their ends; notes what was stored meanwhile.
    fn drain(&mut self) {
        self.abort_all();
        self.prover = None;
        let mut stored = Vec::new();
        while self.slots.iter().any(|slot| slot.in_flight.is_some()) {
            match self.inbox.recv() {
                Ok(Event::Stored(extent)) => stored.push(extent),
                Ok(Event::Ended(end)) => self.note_end(&end),
                Ok(_) => {}
                Err(_) => break,
            }
        }
        while let Ok(event) = self.inbox.try_recv() {
            if let Event::Stored(extent) = event {
                stored.push(extent);
            }
        }
        self.shared.set_active(0);
        if let Err(error) = self.note_stored(&stored) {
            self.log(LogLevel::Warn, || format!("the last bytes could not be recorded: {error}"));
        }
    }

    fn abort_all(&mut self) {
        let running = self.slots.iter_mut().filter_map(|slot| slot.in_flight.as_mut());
        running.filter(|in_flight| !in_flight.aborted).for_each(InFlight::abort);
    }

    fn note_end(&mut self, end: &FetchEnd) {
        for slot in &mut self.slots {
            if slot.carries(end.fetch) {
                slot.in_flight = None;
            }
        }
    }

    /// Notes extents that are in the file.
    fn note_stored(&mut self, stored: &[Extent]) -> Result<()> {
        let Some(transfer) = self.transfer.as_mut().filter(|_| !stored.is_empty()) else {
            return Ok(());
        };
        let unrecorded = transfer.stored.store(stored)?;
        if self.request.flush {
            for extent in stored {
                let offset = extent.offset - transfer.stored.range().start;
                transfer.stored.file().start_writeback(offset, extent.len);
            }
        }
        if let Some(error) = unrecorded {
            self.log(LogLevel::Warn, || format!("the checkpoint is no longer kept: {error}"));
        }
        Ok(())
    }

    /// The object's name in messages.
    fn object(&self) -> String {
        format!("oss://{}/{}", self.request.bucket, self.request.key)
    }

    fn log(&self, level: LogLevel, line: impl FnOnce() -> String) {
        self.session.log(level, || format!("{}: {}", self.object(), line()));
    }
}
