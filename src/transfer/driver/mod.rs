//! One download from its first request to its rename: a thread of its own that decides everything and does no
//! network I/O itself. Workers, writer threads and the prover tell it what happens through one channel.

mod ending;
mod flight;
mod launch;
mod ledger;
mod opening;
mod proof;
mod setback;
mod takeover;
mod transferring;
mod waiting;

use std::sync::Arc;
use std::time::Instant;

use crate::checkpoint::journal::JournalPlace;
use crate::model::error::{Error, ErrorKind, Result};
use crate::model::extent::Extent;
use crate::model::options::LogLevel;
use crate::model::outcome::{Outcome, Phase};
use crate::model::request::DownloadRequest;
use crate::storage::place::Place;
use crate::sync::channel::Receiver;
use crate::sys::exit;
use crate::sys::panic::quiet;

use super::event::{Event, FetchEnd};
use super::patience::Patience;
use super::session::Session;
use super::shared::Shared;

use flight::{Flight, Slot};
use opening::Opened;
use takeover::Found;

/// A download that has been checked and can start.
pub struct Task {
    pub session: Arc<Session>,
    pub request: DownloadRequest,
    pub place: Place,
    pub shared: Arc<Shared>,
    pub inbox: Receiver<Event>,
}

/// Runs a download to its end and publishes the result, whatever happens.
pub fn run(task: Task) {
    let shared = task.shared.clone();
    let result = quiet(|| drive(task)).unwrap_or_else(|defect| Err(defect.into()));
    shared.end(result);
}

fn drive(task: Task) -> Result<Outcome> {
    let session = task.session.clone();
    let buffers = buffers_for(task.request.thread_num);
    session.disk.buffers().reserve(buffers);
    let mut driver = Driver::new(task);
    let result = quiet(|| driver.run()).unwrap_or_else(|defect| {
        // A defect must not leave threads behind that write to the file.
        let landed = quiet(|| driver.land_all());
        Err(landed.err().unwrap_or(defect).into())
    });
    drop(driver);
    session.disk.buffers().release(buffers);
    result
}

/// One buffer for each connection and a few on their way to the disk; many connections share.
fn buffers_for(connections: u32) -> usize {
    usize::try_from(connections).unwrap_or(usize::MAX).min(60) + 4
}

struct Driver {
    session: Arc<Session>,
    request: DownloadRequest,
    place: Place,
    shared: Arc<Shared>,
    inbox: Receiver<Event>,
    slots: Vec<Slot>,
    /// What an earlier run left, until the opening reply says whether it can be used.
    found: Found,
    /// Everything that is known once the first good reply came.
    opened: Option<Opened>,
    prover: Option<proof::Prover>,
    patience: Patience,
    /// Bytes that had come when the patience was last looked at.
    heard: u64,
    /// A request cannot be signed before the provider has answered.
    awaits_credentials: bool,
    /// Why the last attempt since then failed, for which another was to be made.
    complaint: Option<Error>,
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
        let Task { session, request, place, shared, inbox } = task;
        let slots = (0..request.thread_num).map(|_| Slot::new()).collect();
        Driver {
            session,
            request,
            place,
            shared,
            inbox,
            slots,
            found: Found::default(),
            opened: None,
            prover: None,
            patience: Patience::new(Instant::now()),
            heard: 0,
            awaits_credentials: false,
            complaint: None,
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
        self.land_all();
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
        self.take_over()?;
        loop {
            if self.opened.is_none() {
                self.open()?;
            }
            self.shared.set_phase(Phase::Transferring);
            match self.transfer()? {
                transferring::Landing::Whole => {
                    self.shared.set_phase(Phase::Finishing);
                    if let Some(outcome) = self.finish()? {
                        return Ok(outcome);
                    }
                }
                transferring::Landing::Changed(why) => self.start_over(&why)?,
                transferring::Landing::Broken(error) => self.restart_stream(error)?,
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
        self.land_all();
        let discarded = self.shared.counters.bytes_done.get();
        self.shared.counters.bytes_done.subtract(discarded);
        self.shared.counters.bytes_discarded.add(discarded);
        let reused = self.shared.counters.bytes_reused.get();
        self.shared.counters.bytes_reused.subtract(reused);
        self.shared.set_total(None);
        if let Some(opened) = self.opened.take() {
            let (file, journal) = opened.ledger.into_parts();
            if let Some(journal) = journal {
                journal.remove()?;
            }
            file.clear()?;
            let _hold = exit::hold()?;
            self.found = Found {
                journal_place: JournalPlace::of(&self.request, &self.place),
                temp: Some(file),
                is_ours: true,
                ..Found::default()
            };
        }
        Ok(())
    }

    /// Stops every fetch and the proof and waits for their ends; notes what was stored meanwhile.
    fn land_all(&mut self) {
        self.abort_all();
        self.prover = None;
        let mut stored = Vec::new();
        while self.slots.iter().any(|slot| slot.flight.is_some()) {
            match self.inbox.recv() {
                Ok(Event::Stored(extent)) => stored.push(extent),
                Ok(Event::Ended(end)) => self.note_landing(&end),
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
        let flights = self.slots.iter_mut().filter_map(|slot| slot.flight.as_mut());
        flights.filter(|flight| !flight.aborted).for_each(Flight::abort);
    }

    fn note_landing(&mut self, end: &FetchEnd) {
        for slot in &mut self.slots {
            if slot.carries(end.fetch) {
                slot.flight = None;
            }
        }
    }

    /// Notes extents that are in the file.
    fn note_stored(&mut self, stored: &[Extent]) -> Result<()> {
        let Some(opened) = self.opened.as_mut().filter(|_| !stored.is_empty()) else {
            return Ok(());
        };
        let unrecorded = opened.ledger.store(stored)?;
        if self.request.flush {
            for extent in stored {
                let offset = extent.offset - opened.ledger.range().start;
                opened.ledger.file().start_writeback(offset, extent.len);
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
