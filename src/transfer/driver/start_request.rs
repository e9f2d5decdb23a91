//! Starts a request: credentials, signature, and hand-over to a worker.

use std::sync::Arc;
use std::time::Instant;

use crate::model::error::Result;
use crate::model::options::LogLevel;
use crate::oss::content_cipher::ContentCipher;
use crate::oss::get_object::Composed;
use crate::transfer::bandwidth::RateLimiter;
use crate::transfer::connection::fetch::Fetch;
use crate::transfer::connection::reply_stage::ReplyStage;
use crate::transfer::connection::span::Span;
use crate::transfer::connection::wire::Wire;
use crate::transfer::connection::worker::{Command, Worker};
use crate::transfer::disk::buffers::BUFFER_SIZE;
use crate::transfer::disk::intake::Intake;
use crate::transfer::event::Event;
use crate::transfer::policy::retry::{Cause, Failure};

use super::Driver;
use super::in_flight::InFlight;

/// Up to this number of connections each may have a large buffer.
const FEW_CONNECTIONS: u32 = 8;
/// Total size of the receive buffers of a download's connections, in bytes: a large buffer receives more with one
/// system call. TLS records have 16 KiB and gain nothing from more than the smallest buffer; bytes read in advance
/// would exceed a bandwidth limit.
const RECEIVE_BUFFERS: usize = 8 * 1024 * 1024;
const MIN_RECEIVE_BUFFER: usize = 64 * 1024;
/// Size of a write if there are many connections.
const SMALL_GATHER: usize = 512 * 1024;

/// The purpose of a request.
pub struct NewRequest {
    pub head: bool,
    pub composed: Composed,
    pub stage: ReplyStage,
    pub span: Arc<Span>,
    /// The destination of the bytes, if it is known before the reply.
    pub stores: bool,
}

/// The result of starting a request.
pub enum StartOutcome {
    Sent,
    /// The provider is being called; an event arrives when it returns.
    AwaitsCredentials,
    /// There were no credentials; the slot retries after its delay.
    Delayed,
}

impl Driver {
    /// Starts a request on a slot.
    pub fn start_request(
        &mut self,
        slot: usize,
        new_request: impl FnOnce(&Self) -> NewRequest,
    ) -> Result<StartOutcome> {
        let issued = self.session.credentials.issue(self.shared.events());
        self.awaits_credentials = matches!(issued, Ok(None));
        let issued = match issued {
            Ok(Some(issued)) => issued,
            Ok(None) => return Ok(StartOutcome::AwaitsCredentials),
            Err(error) if error.code() == "CredentialsError" => {
                self.schedule_retry(slot, Failure::of(Cause::Auth, error), false)?;
                return Ok(StartOutcome::Delayed);
            }
            Err(error) => return Err(error),
        };
        let new_request = new_request(self);
        let method = if new_request.head { "HEAD" } else { "GET" };
        let (url, headers) =
            self.session.sign(method, &self.request, new_request.composed, &issued)?;
        let worker = self.session.worker(slot)?;
        let id = self.session.next_fetch();
        let span = new_request.span;
        let intake = match new_request.stores {
            true => self.intake(id, &worker, span.start())?,
            false => None,
        };
        let pinning = new_request.stage.pinning();
        let fetch = Fetch::new(
            id,
            new_request.stage,
            span.clone(),
            intake,
            self.shared.events().clone(),
            self.shared.counters.clone(),
            RateLimiter::new(&self.session.bandwidth, &self.shared.bandwidth),
        );
        let wire = Wire {
            head: new_request.head,
            headers,
            receive_buffer: self.receive_buffer(),
            url,
            connection: self.session.connection.clone(),
        };
        self.shared.counters.requests.add(1);
        let bytes = span.remaining();
        self.log(LogLevel::Debug, || format!("{method} bytes {}-{}", bytes.start, bytes.end));
        let events = self.shared.events().clone();
        self.slots[slot].not_before = None;
        self.slots[slot].in_flight =
            Some(InFlight::new(id, span, worker.clone(), issued.serial, pinning));
        // A worker that panicked answers every fetch with its end; one that has ended does not.
        if !worker.tell(Command::Start { wire: Box::new(wire), fetch: Box::new(fetch), events }) {
            self.slots[slot].in_flight = None;
            return Err(crate::model::error::Error::internal("a transfer thread has ended"));
        }
        self.count_active();
        Ok(StartOutcome::Sent)
    }

    /// Tells the worker of the first request where to write its bytes.
    pub fn proceed(&mut self, slot: usize) -> Result<()> {
        let Some(in_flight) = &self.slots[slot].in_flight else { return Ok(()) };
        let (fetch, worker) = (in_flight.fetch, in_flight.worker.clone());
        if let Some(intake) = self.intake(fetch, &worker, in_flight.span.start())? {
            worker.tell(Command::Proceed { fetch, intake: Box::new(intake) });
        }
        Ok(())
    }

    pub fn count_active(&self) {
        let active = self.slots.iter().filter(|slot| slot.in_flight.is_some()).count();
        self.shared.set_active(active);
    }

    /// Waits until the slot may be used again and the service accepts requests.
    pub fn wait_for_slot(&mut self, slot: usize) -> Result<()> {
        loop {
            let now = Instant::now();
            let own = self.slots[slot].not_before.filter(|at| *at > now);
            let Some(at) = own.max(self.throttle_back_off.until(now)) else { return Ok(()) };
            if let Some(Event::Fault(error)) = self.next_event(Some(at))? {
                return Err(error);
            }
        }
    }

    fn intake(&self, fetch: u64, worker: &Arc<Worker>, start: u64) -> Result<Option<Intake>> {
        let Some(transfer) = &self.transfer else { return Ok(None) };
        let content_key = transfer.content_key.as_deref();
        let cipher = content_key.map(|key| ContentCipher::at(key, start)).transpose()?;
        let intake = Intake::new(
            fetch,
            transfer.write_target(self.shared.events()),
            self.session.writer_threads.clone(),
            worker.waker().clone(),
            start,
            if self.has_few_connections() { BUFFER_SIZE } else { SMALL_GATHER },
            transfer.grain,
        );
        Ok(Some(intake.decrypting(cipher)))
    }

    fn has_few_connections(&self) -> bool {
        self.request.thread_num <= FEW_CONNECTIONS
    }

    fn receive_buffer(&self) -> usize {
        let limited = self.session.bandwidth.is_limited() || self.shared.bandwidth.is_limited();
        if self.session.is_https() || limited {
            return MIN_RECEIVE_BUFFER;
        }
        let connections = usize::try_from(self.request.thread_num).unwrap_or(usize::MAX).max(2);
        (RECEIVE_BUFFERS / connections).max(MIN_RECEIVE_BUFFER)
    }
}
