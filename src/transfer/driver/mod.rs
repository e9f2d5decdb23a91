//! One download from its first request to its rename: a procedure that makes all decisions. It reaches everything else
//! through the interfaces of its [`World`], whose threads report to it through one inbox.

mod busy;
mod completion;
mod concurrency;
mod connection_share;
mod decryption;
mod existing_file;
mod expected_digests;
mod failure;
mod first_request;
mod in_flight;
mod link;
mod pausing;
mod pinning;
mod preparation;
mod recovery;
mod start_request;
mod stored_extents;
mod throttling;
mod tracing;
mod transfer;
mod transfer_loop;
mod waiting;

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::model::error::{Error, ErrorKind, Result};
use crate::model::extent::Extent;
use crate::model::options::{ClientOptions, LogLevel};
use crate::model::outcome::{Outcome, Phase};
use crate::model::request::DownloadRequest;
use crate::model::trace::RequestEnd;
use crate::storage::existing_file::FileVersion;
use crate::sys::panic::catch;

use super::connection::span::Span;
use super::event::{Event, FetchEnd};
use super::policy::auto_concurrency::AutoConcurrency;
use super::policy::connection_limit::ConnectionLimit;
use super::policy::reply_check::Generation;
use super::policy::stall_clock::{CHECK_INTERVAL, StallClock};
use super::policy::throttle_back_off::ThrottleBackOff;
use super::shared::Shared;
use super::world::{Proof, World};

use decryption::Unwrapped;
use expected_digests::Follower;
use in_flight::Slot;
use link::Source;
use pausing::Pause;
use recovery::EarlierRun;
use transfer::Transfer;

/// How long a download that is cancelled waits until the bytes that its requests have received are stored.
const STORE_FOR: Duration = Duration::from_millis(40);

/// Number of bytes that are in both ranges.
fn shared_len(one: &Range<u64>, other: &Range<u64>) -> u64 {
    one.end.min(other.end).saturating_sub(one.start.max(other.start))
}

/// Runs the download of a validated request to its end.
pub fn drive(
    world: World<'_>,
    options: &ClientOptions,
    request: &DownloadRequest,
    shared: &Arc<Shared>,
) -> Result<Outcome> {
    let mut driver = Driver::new(world, options, request, shared);
    catch(|| driver.run()).unwrap_or_else(|defect| {
        // A defect must not leave threads that write to the file.
        let ended = catch(|| driver.drain());
        Err(ended.err().unwrap_or(defect).into())
    })
}

struct Driver<'w> {
    world: World<'w>,
    options: &'w ClientOptions,
    request: &'w DownloadRequest,
    shared: &'w Arc<Shared>,
    /// The URL, if the request has one.
    source: Option<Source>,
    slots: Vec<Slot>,
    /// The files have been looked at, and are locked as far as they exist.
    has_files: bool,
    /// The file at the target's path that turned out to be another one than the object, or could not be compared.
    rejected: Option<FileVersion>,
    /// The files of an earlier run, until the first reply shows whether they can be used.
    earlier_run: EarlierRun,
    /// Everything that is known after the first successful reply.
    transfer: Option<Transfer>,
    proof: Option<Box<dyn Proof>>,
    /// Hashes the file while it grows.
    follower: Follower,
    stall_clock: StallClock,
    /// Runs while the service throttles and no byte arrives.
    throttle_clock: Option<StallClock>,
    throttle_back_off: ThrottleBackOff,
    connection_limit: ConnectionLimit,
    /// Finds the number of connections, if the request wants that.
    auto_concurrency: Option<AutoConcurrency>,
    /// Shortest time from a request to its first byte.
    first_byte: Duration,
    /// Replies so far that the service has delayed.
    delayed_replies: u64,
    /// When connections were last given bytes to fetch, there were not enough for all of them.
    nothing_left: bool,
    /// The number of connections that the client allows.
    share: u32,
    /// It has no connection, and the client allows none.
    waits_for_connection: bool,
    /// Since when more requests are in flight than the client allows.
    over_share_since: Option<Instant>,
    /// Number of requests that were in flight when the ends now being handled arrived, without those found refused.
    in_flight_at_end: u32,
    /// Value of the byte counter when the stall clock was last advanced.
    bytes_at_last_check: u64,
    /// No request can be signed until the provider has answered.
    awaits_credentials: bool,
    /// The host's key unwrapper has not answered yet.
    awaits_key: bool,
    /// The content key of this run.
    unwrapped: Option<Unwrapped>,
    /// The error of the last attempt that was retried, if no byte has arrived since.
    last_error: Option<Error>,
    /// Time from a request to its first byte, in seconds.
    round_trip: f64,
    /// Number of new starts because the object had changed.
    restarts: u32,
    /// The generation whose ETag the service refused before the download started over.
    refused_generation: Option<Arc<Generation>>,
    /// The object is fetched in one stream that cannot be resumed: the service ignores ranges, or the object cannot be
    /// pinned or is processed.
    single_stream: bool,
    /// The size of an object at a URL, once a reply has told it: a range must not end beyond it.
    known_size: Option<u64>,
    /// How often it was told by sending the object whole, because the range did.
    found_shorter: u32,
    /// Only now it was found that the object has to be fetched in one stream; none has been started since.
    stream_is_due: bool,
    /// The host has paused the download.
    pause: Option<Pause>,
    /// Requests were stopped by a pause, and none has been started since.
    stopped_by_pause: bool,
    /// Everything was fetched once more because the checksum was wrong.
    refetched: bool,
    /// Number of times that the disk returned other bytes than were written.
    disk_rounds: u32,
}

impl<'w> Driver<'w> {
    fn new(
        world: World<'w>,
        options: &'w ClientOptions,
        request: &'w DownloadRequest,
        shared: &'w Arc<Shared>,
    ) -> Self {
        Driver {
            world,
            options,
            request,
            shared,
            source: Source::of(request),
            slots: (0..request.most_connections()).map(|_| Slot::new()).collect(),
            has_files: false,
            rejected: None,
            earlier_run: EarlierRun::default(),
            transfer: None,
            proof: None,
            follower: Follower::default(),
            stall_clock: StallClock::new(world.clock.now()),
            throttle_clock: None,
            throttle_back_off: ThrottleBackOff::default(),
            connection_limit: ConnectionLimit::new(request.most_connections()),
            auto_concurrency: request
                .auto_concurrency
                .then(|| AutoConcurrency::new(request.most_connections(), world.clock.now())),
            first_byte: Duration::MAX,
            delayed_replies: 0,
            nothing_left: false,
            share: 0,
            waits_for_connection: false,
            over_share_since: None,
            in_flight_at_end: 0,
            bytes_at_last_check: 0,
            awaits_credentials: false,
            awaits_key: false,
            unwrapped: None,
            last_error: None,
            round_trip: 0.0,
            restarts: 0,
            refused_generation: None,
            single_stream: request.is_processed(),
            known_size: None,
            found_shorter: 0,
            stream_is_due: false,
            pause: None,
            stopped_by_pause: false,
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
        // In any case: no thread may write to the file from here on, and stored bytes are recorded.
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
        // It may have waited for its turn.
        self.check_limits()?;
        loop {
            if self.transfer.is_none()
                && let Some(outcome) = self.begin()?
            {
                return Ok(outcome);
            }
            self.shared.set_phase(Phase::Transferring);
            match self.fetch_missing()? {
                transfer_loop::TransferEnd::Complete => {
                    self.leave_share();
                    self.shared.set_phase(Phase::Finishing);
                    if let Some(outcome) = self.finish()? {
                        return Ok(outcome);
                    }
                }
                transfer_loop::TransferEnd::Changed(why) => self.start_over(&why)?,
                transfer_loop::TransferEnd::Broken(error) => self.restart_stream(error)?,
                transfer_loop::TransferEnd::StreamDue => self.discard_everything()?,
            }
        }
    }

    /// The object has changed since the start: all bytes fetched so far are useless.
    fn start_over(&mut self, why: &str) -> Result<()> {
        if self.restarts > 0 {
            return Err(Error::new(
                ErrorKind::ObjectChanged,
                "ObjectChanged",
                format!(
                    "{} was replaced during the download ({why}), and again after a restart; download it when it is not being written, or set version_id",
                    self.object()
                ),
            )
            .with_context(self.growth_advice()));
        }
        self.restarts += 1;
        self.shared.counters.retries_reply.add(1);
        self.log(LogLevel::Warn, || format!("the object has changed ({why}); starting over"));
        self.discard_everything()
    }

    /// A single stream cannot be continued, only repeated.
    fn restart_stream(&mut self, error: Error) -> Result<()> {
        self.restarts += 1;
        if self.restarts >= self.options.max_attempts {
            return Err(error.with_context(if self.request.is_processed() {
                "; a processed object is sent as one stream, so the download could not continue where it was interrupted"
            } else {
                "; the service sends no ETag or ignores ranges, so the download could not continue where it was interrupted"
            }));
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
        (self.known_size, self.found_shorter) = (None, 0);
        if let Some(transfer) = self.transfer.take() {
            let (file, journal) = transfer.stored.into_parts();
            self.shared.set_contiguous(0);
            self.follower = Follower::default();
            if let Some(journal) = journal {
                journal.remove()?;
            }
            file.clear()?;
            self.earlier_run =
                EarlierRun { temp: Some(file), is_new: true, ..EarlierRun::default() };
        }
        Ok(())
    }

    /// Stops every fetch and the proof and waits for their ends; records the bytes stored meanwhile. A cancelled
    /// download does not wait for a network or a disk that is slow to stop.
    fn drain(&mut self) {
        self.abort_all(RequestEnd::Stopped);
        self.proof = None;
        let mut stored = Vec::new();
        let (mut leave_at, mut left) = (None, Vec::new());
        while self.is_any_in_flight() {
            let now = self.now();
            if self.check_limits().is_err() {
                leave_at.get_or_insert(now + STORE_FOR);
            }
            match self.world.inbox.recv_until(leave_at.unwrap_or(now + CHECK_INTERVAL)) {
                Some(Event::Stored(extent)) => stored.push(extent),
                Some(Event::Ended(end)) => self.note_end(&end),
                Some(_) => {}
                None if leave_at.is_some() => left = self.leave_requests(),
                None => {}
            }
        }
        while let Some(event) = self.world.inbox.try_recv() {
            if let Event::Stored(extent) = event {
                stored.push(extent);
            }
        }
        self.shared.set_active(0);
        if let Err(error) = self.note_stored(&stored) {
            self.log(LogLevel::Warn, || format!("the last extents could not be recorded: {error}"));
        }
        self.follower.stop();
        self.note_lost(&left);
    }

    /// Gives up the requests that have not ended yet, and returns their spans. They receive no more bytes of the object
    /// and cannot write to the file any more.
    fn leave_requests(&mut self) -> Vec<Arc<Span>> {
        if let Some(transfer) = &self.transfer {
            transfer.stored.file().stop_writes();
        }
        let mut left = Vec::new();
        for slot in 0..self.slots.len() {
            if let Some(in_flight) = self.slots[slot].in_flight.take() {
                in_flight.span.close();
                self.trace(slot, &in_flight, None);
                left.push(in_flight.span);
            }
        }
        left
    }

    /// Counts received bytes of these spans that were not stored.
    fn note_lost(&self, left: &[Arc<Span>]) {
        let Some(transfer) = self.transfer.as_ref().filter(|_| !left.is_empty()) else { return };
        let missing = transfer.stored.holes(Vec::new());
        let lost: u64 = left
            .iter()
            .flat_map(|span| missing.iter().map(|hole| shared_len(hole, &span.held())))
            .sum();
        self.shared.counters.bytes_done.subtract(lost);
        self.shared.counters.bytes_discarded.add(lost);
    }

    fn abort_all(&mut self, why: RequestEnd) {
        for slot in 0..self.slots.len() {
            self.abort(slot, why);
        }
    }

    /// Tells the request of a slot to stop, if there is one; its end is still reported.
    fn abort(&mut self, slot: usize, why: RequestEnd) {
        let in_flight = self.slots[slot].in_flight.as_mut();
        if let Some(in_flight) = in_flight.filter(|request| request.is_live()) {
            in_flight.stopped = Some(why);
            self.world.network.abort(slot, in_flight.fetch);
        }
    }

    /// Handles the end of a request whose result no longer matters.
    fn note_end(&mut self, end: &FetchEnd) {
        if let Some((_, in_flight)) = self.release_slot(end) {
            let now = self.now();
            self.note_qos_delay(&end.head, now);
            self.heed_refusal(end, &in_flight, now);
        }
    }

    /// Records extents that are in the file.
    fn note_stored(&mut self, stored: &[Extent]) -> Result<()> {
        let Some(transfer) = self.transfer.as_mut().filter(|_| !stored.is_empty()) else {
            return Ok(());
        };
        let unrecorded = transfer.stored.store(stored)?;
        if self.request.flush {
            for extent in stored.iter().take_while(|_| !self.shared.is_cancelled()) {
                let offset = extent.offset - transfer.stored.range().start;
                transfer.stored.file().start_writeback(offset..offset + extent.len);
            }
        }
        self.publish_contiguous();
        self.log_unrecorded(unrecorded);
        self.log_refusal();
        Ok(())
    }

    /// Says in the log that the chosen write mode was given up, if it was.
    fn log_refusal(&self) {
        let file = self.transfer.as_ref().map(|transfer| transfer.stored.file());
        if let Some(refusal) = file.and_then(|file| file.late_refusal()) {
            self.log(LogLevel::Info, || refusal);
        }
    }

    /// Publishes how much of the file can be read.
    fn publish_contiguous(&mut self) {
        if let Some(transfer) = &self.transfer {
            let contiguous = transfer.stored.contiguous();
            self.shared.set_contiguous(contiguous);
            self.hash_up_to(contiguous);
        }
    }

    fn log_unrecorded(&self, unrecorded: Option<Error>) {
        if let Some(error) = unrecorded {
            self.log(LogLevel::Warn, || format!("the checkpoint is no longer kept: {error}"));
        }
    }

    fn now(&self) -> Instant {
        self.world.clock.now()
    }

    /// The object's name in messages.
    fn object(&self) -> String {
        self.request.object()
    }

    fn log(&self, level: LogLevel, line: impl FnOnce() -> String) {
        if let Some(sink) = self.options.log.as_ref().filter(|_| level <= self.options.log_level) {
            sink(level, &format!("{}: {}", self.object(), line()));
        }
    }
}
