//! Lists a bucket: one request for each page, which a worker sends and the thread that asks for the page waits for.

mod attempts;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::model::error::{Error, ErrorKind, Result};
use crate::model::listing::{ListEntry, ListPage, ListRequest};
use crate::model::options::LogLevel;
use crate::oss::list_document::{self, MAX_DOCUMENT};
use crate::oss::list_objects;
use crate::oss::reply::ReplyHead;
use crate::oss::service_error::{self, ServiceError};
use crate::sync::inbox::{Receiver, inbox};
use crate::sys;

use super::bandwidth::{Bandwidth, RateLimiter};
use super::connection::fetch::Fetch;
use super::connection::reply_stage::ReplyStage;
use super::connection::span::Span;
use super::connection::wire::Wire;
use super::connection::worker::Command;
use super::connection_budget::ConnectionShare;
use super::counters::Counters;
use super::credentials_cache::CachedKey;
use super::event::{EndReason, Event, FetchEnd};
use super::list_control::ListControl;
use super::policy::failure_cause::{self, Broken};
use super::policy::list_progress::ListProgress;
use super::policy::reply_check;
use super::policy::retry::{Cause, Failure};
use super::policy::stall_clock::CHECK_INTERVAL;
use super::session::Session;
use super::system::clock::SystemChance;
use super::world::Chance;

use attempts::Attempts;

/// All requests of a listing are sent by this worker.
const SLOT: usize = 0;
const RECEIVE_BUFFER: usize = 64 * 1024;
/// How long a listing that ends early waits for the end of its request, whose connection others may use then.
const END_FOR: Duration = Duration::from_millis(40);

/// A listing in progress.
pub struct Lister {
    session: Arc<Session>,
    request: ListRequest,
    control: Arc<ListControl>,
    inbox: Receiver<Event>,
    counters: Arc<Counters>,
    /// Listings have no bandwidth limit.
    bandwidth: Arc<Bandwidth>,
    started: Instant,
    progress: ListProgress,
    /// With which the next page is asked for.
    token: Option<String>,
    pages: u64,
    has_ended: bool,
}

/// What became of one request.
enum Answer {
    Page(ListPage),
    Failed(Failure),
}

impl Lister {
    /// A validated listing. Nothing is sent until its first page is asked for.
    pub fn new(session: Arc<Session>, request: ListRequest, started: Instant) -> Self {
        let (events, inbox) = inbox();
        Lister {
            progress: ListProgress::new(&request.prefix),
            session,
            request,
            control: Arc::new(ListControl::new(events)),
            inbox,
            counters: Arc::default(),
            bandwidth: Arc::new(Bandwidth::new(0)),
            started,
            token: None,
            pages: 0,
            has_ended: false,
        }
    }

    /// What ends the listing from another thread.
    pub fn control(&self) -> &Arc<ListControl> {
        &self.control
    }

    /// The entries of the next page, of which there may be none; `None` after the last page.
    pub fn next_page(&mut self) -> Result<Option<Vec<ListEntry>>> {
        if self.has_ended {
            return Ok(None);
        }
        let page = self.fetch_page()?;
        self.progress.check(&page).map_err(|what| {
            let what = format!("the reply does not match the request: {what}");
            Error::new(ErrorKind::Integrity, "InvalidReply", self.attempted(&what))
        })?;
        self.pages += 1;
        self.has_ended = page.next.is_none();
        self.token = page.next;
        Ok(Some(page.entries))
    }

    /// Asks for the next page until it has come, or until no attempt may follow.
    fn fetch_page(&self) -> Result<ListPage> {
        let _running = self.session.listings.enter(&self.control)?;
        let share = self.session.connections.join(self.control.events().clone());
        let has_progressed = self.pages > 0;
        let bytes = self.counters.bytes_from_network.get();
        let options = &self.session.options;
        let mut attempts = Attempts::new(options, has_progressed, bytes, Instant::now());
        loop {
            self.wait_for_turn(&share, &mut attempts)?;
            let sent = Instant::now();
            attempts.begin(sent);
            let failure = match self.key(&mut attempts)? {
                Err(failure) => failure,
                Ok(key) => {
                    let fetch = self.start(&key)?;
                    let end = self.await_end(fetch, &mut attempts)?;
                    share.adjust(0, 0);
                    match self.evaluate(*end, &key)? {
                        Answer::Page(page) => return Ok(page),
                        Answer::Failed(failure) => failure,
                    }
                }
            };
            let why = failure.error.to_string();
            let delay = attempts.failed(failure, (sent, Instant::now()), SystemChance.draw())?;
            self.log(LogLevel::Warn, || format!("{why}; trying again in {delay:?}"));
        }
    }

    /// Waits until the next attempt may begin and there is a connection for it.
    fn wait_for_turn(&self, share: &ConnectionShare, attempts: &mut Attempts<'_>) -> Result<()> {
        self.check_limits()?;
        while let Some(again) = attempts.not_before.filter(|again| *again > Instant::now()) {
            self.next_event(Some(again))?;
            attempts.advance(self.counters.bytes_from_network.get(), Instant::now());
        }
        while share.adjust(1, 0).connections == 0 {
            self.next_event(None)?;
            attempts.skip(Instant::now());
        }
        Ok(())
    }

    /// The key to sign with; waits for the provider.
    fn key(&self, attempts: &mut Attempts<'_>) -> Result<std::result::Result<CachedKey, Failure>> {
        loop {
            match self.session.credentials.issue(self.control.events()) {
                Ok(Some(key)) => return Ok(Ok(key)),
                Ok(None) => {}
                Err(error) if error.code() == "CredentialsError" => {
                    return Ok(Err(Failure::of(Cause::Auth, error)));
                }
                Err(error) => return Err(error),
            }
            self.next_event(None)?;
            attempts.check_stall(false, Instant::now())?;
        }
    }

    /// Signs the request for the page and hands it to a worker; returns the number of its fetch.
    fn start(&self, key: &CachedKey) -> Result<u64> {
        let _exit_guard = sys::exit::guard()?;
        let session = &self.session;
        let composed = list_objects::compose(&self.request, self.token.as_deref());
        let (url, headers) = session.sign("GET", (&self.request.bucket, ""), composed, key)?;
        let worker = session.worker(SLOT)?;
        let id = session.next_fetch();
        let events = self.control.events().clone();
        let fetch = Fetch::new(
            id,
            ReplyStage::Document { max: MAX_DOCUMENT },
            Arc::new(Span::new(0..0)),
            None,
            events.clone(),
            self.counters.clone(),
            RateLimiter::new(&self.bandwidth, &self.bandwidth),
        );
        let connection = session.connection.clone();
        let wire = Wire { url, head: false, headers, receive_buffer: RECEIVE_BUFFER, connection };
        self.log(LogLevel::Debug, || format!("GET page {}", self.pages + 1));
        let start = Command::Start { wire: Box::new(wire), fetch: Box::new(fetch), events };
        match worker.tell(start) {
            true => Ok(id),
            false => Err(Error::internal("a transfer thread has ended")),
        }
    }

    /// Waits for the end of a fetch. If the listing has to end before, the fetch is stopped.
    fn await_end(&self, fetch: u64, attempts: &mut Attempts<'_>) -> Result<Box<FetchEnd>> {
        loop {
            let event = self.next_event(None).and_then(|event| {
                let now = Instant::now();
                attempts.advance(self.counters.bytes_from_network.get(), now);
                match event {
                    Some(Event::Ended(end)) if end.fetch == fetch => Ok(Some(end)),
                    _ => attempts.check_stall(true, now).map(|()| None),
                }
            });
            match event {
                Ok(Some(end)) => return Ok(end),
                Ok(None) => {}
                Err(error) => {
                    self.stop(fetch);
                    return Err(error);
                }
            }
        }
    }

    fn stop(&self, fetch: u64) {
        // The worker of a request that has started exists.
        let Ok(worker) = self.session.worker(SLOT) else { return };
        worker.tell(Command::Abort { fetch });
        let until = Instant::now() + END_FOR;
        while let Ok(event) = self.inbox.recv_deadline(until) {
            if matches!(event, Event::Ended(end) if end.fetch == fetch) {
                return;
            }
        }
    }

    /// The next event; `None` when `until`, or the interval at which clocks are checked, has passed. An error if the
    /// listing was cancelled or its deadline has passed.
    fn next_event(&self, until: Option<Instant>) -> Result<Option<Event>> {
        self.check_limits()?;
        let look = Instant::now() + CHECK_INTERVAL;
        let until = [until, self.deadline()].into_iter().flatten().fold(look, Instant::min);
        let event = self.inbox.recv_deadline(until).ok();
        self.check_limits()?;
        Ok(event)
    }

    fn check_limits(&self) -> Result<()> {
        if self.control.is_disabled() {
            return Err(Error::disabled());
        }
        let listed = self.request.listed();
        if self.control.is_cancelled() {
            let message = format!("the listing of {listed} was cancelled");
            return Err(Error::new(ErrorKind::Cancelled, "Cancelled", message));
        }
        if self.deadline().is_some_and(|at| Instant::now() >= at) {
            let limit = self.request.deadline.unwrap_or_default();
            let message = format!("the listing of {listed} took longer than {limit:?}");
            return Err(Error::new(ErrorKind::Deadline, "DeadlineExceeded", message));
        }
        Ok(())
    }

    fn deadline(&self) -> Option<Instant> {
        self.started.checked_add(self.request.deadline?)
    }

    fn evaluate(&self, end: FetchEnd, key: &CachedKey) -> Result<Answer> {
        let FetchEnd { ending, head, body, .. } = end;
        let failure = match ending {
            EndReason::Fault(error) => return Err(error),
            EndReason::Aborted | EndReason::Cut => {
                return Err(Error::internal("the request for a page was stopped"));
            }
            EndReason::Complete => match service_error::in_place_of_object(&head, &body) {
                Some(refusal) => self.refused(refusal, &head, key),
                None => match self.read(&head, &body) {
                    Ok(page) => return Ok(Answer::Page(page)),
                    Err((cause, what)) => Failure::of(cause, self.unusable(&what)),
                },
            },
            EndReason::Refused => self.refused(service_error::parse(&head, &body), &head, key),
            EndReason::Unusable(flaw) => {
                let what = failure_cause::described(&flaw);
                Failure::of(failure_cause::of_flaw(&flaw), self.unusable(&what))
            }
            EndReason::Broken { curl_code, message } => {
                let Broken { cause, retryability, code, what } =
                    failure_cause::of_connection(curl_code, &message);
                let error = Error::transport(code, self.attempted(&what));
                Failure { retryability, ..Failure::of(cause, error) }
            }
            EndReason::Stalled => {
                let limit = self.session.options.idle_timeout.unwrap_or_default();
                let message = self.attempted(&format!("no data arrived for {limit:?}"));
                let error = Error::transport(curl_sys::CURLE_OPERATION_TIMEDOUT, message);
                Failure::of(Cause::TimedOut, error)
            }
        };
        Ok(Answer::Failed(failure))
    }

    fn read(
        &self,
        head: &ReplyHead,
        body: &[u8],
    ) -> std::result::Result<ListPage, (Cause, String)> {
        reply_check::list_reply(head)
            .map_err(|flaw| (failure_cause::of_flaw(&flaw), failure_cause::described(&flaw)))?;
        list_document::parse(body)
            .map_err(|what| (Cause::Reply, format!("the reply is not a listing: {what}")))
    }

    fn refused(&self, refusal: ServiceError, head: &ReplyHead, key: &CachedKey) -> Failure {
        let too_many_requests = refusal.has_too_many_active_requests();
        let (cause, retryability) =
            failure_cause::of_refusal(&refusal, || self.can_sign_anew(&refusal, key));
        let retry_after = head.retry_after(self.session.now());
        let error = refusal.into_list_error(&self.request.listed());
        Failure { cause, error, retry_after, too_many_requests, retryability }
    }

    /// Whether the next signature will differ: newer credentials, or the service's time.
    fn can_sign_anew(&self, refusal: &ServiceError, key: &CachedKey) -> bool {
        if refusal.is_expired_credentials() {
            return self.session.credentials.expired(key.serial);
        }
        let correct = refusal.is_clock_skew() && self.session.options.correct_clock;
        let time = refusal.server_time.filter(|_| correct);
        time.map(|time| self.session.set_clock(time)).is_some()
    }

    fn unusable(&self, what: &str) -> Error {
        Error::new(ErrorKind::Integrity, "InvalidReply", self.attempted(what))
    }

    /// The cause, with what was attempted.
    fn attempted(&self, what: &str) -> String {
        let (listed, host) = (self.request.listed(), self.session.host());
        format!("listing {} from {host}: {what}", listed.escape_debug())
    }

    fn log(&self, level: LogLevel, line: impl FnOnce() -> String) {
        let options = &self.session.options;
        if let Some(sink) = options.log.as_ref().filter(|_| level <= options.log_level) {
            sink(level, &format!("{}: {}", self.request.listed().escape_debug(), line()));
        }
    }
}
