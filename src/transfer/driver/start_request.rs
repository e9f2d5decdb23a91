//! Starts a request: with credentials, on a connection that may be used.

use crate::model::error::Result;
use crate::model::options::LogLevel;
use crate::transfer::event::Event;
use crate::transfer::policy::retry::{Cause, Failure};
use crate::transfer::world::NewRequest;

use super::Driver;
use super::in_flight::InFlight;

/// The result of starting a request.
pub enum StartOutcome {
    Sent,
    /// The provider is being called; an event arrives when it returns.
    AwaitsCredentials,
    /// There were no credentials; the slot retries after its delay.
    Delayed,
}

impl Driver<'_> {
    /// Starts a request on a slot.
    pub fn start_request(
        &mut self,
        slot: usize,
        new_request: impl FnOnce(&Self) -> NewRequest,
    ) -> Result<StartOutcome> {
        let key = self.leave_to_send();
        self.awaits_credentials = matches!(key, Ok(None));
        let key = match key {
            Ok(Some(key)) => key,
            Ok(None) => return Ok(StartOutcome::AwaitsCredentials),
            Err(error) if matches!(error.code(), "CredentialsError" | "UrlProviderError") => {
                self.schedule_retry(slot, Failure::of(Cause::Auth, error), false)?;
                return Ok(StartOutcome::Delayed);
            }
            Err(error) => return Err(error),
        };
        let mut new_request = new_request(self);
        self.direct(&mut new_request);
        let (span, pinning) = (new_request.span.clone(), new_request.stage.pinning());
        let is_head = new_request.head;
        let (started, asked) = (self.now(), span.remaining());
        self.log(LogLevel::Debug, || {
            let method = if new_request.head { "HEAD" } else { "GET" };
            format!("{method} bytes {}-{}", asked.start, asked.end)
        });
        let fetch = self.world.network.start(slot, new_request, &key)?;
        self.shared.counters.requests.add(1);
        self.slots[slot].not_before = None;
        (self.stopped_by_pause, self.stream_is_due) = (false, false);
        let mut in_flight = InFlight::new(fetch, (span, asked), key.serial, pinning, started);
        in_flight.is_head = is_head;
        self.slots[slot].in_flight = Some(in_flight);
        self.count_active();
        Ok(StartOutcome::Sent)
    }

    /// Lets the first request bring the bytes of its reply.
    pub fn proceed(&mut self, slot: usize) -> Result<()> {
        let Some(in_flight) = &self.slots[slot].in_flight else { return Ok(()) };
        let Some(transfer) = &self.transfer else { return Ok(()) };
        let (fetch, start) = (in_flight.fetch, in_flight.span.start());
        self.world.network.proceed(slot, fetch, start, transfer.destination())
    }

    pub fn count_active(&self) {
        self.shared.set_active(self.requests_in_flight());
    }

    /// Waits until the slot may be used again, the service accepts requests, there is a connection, and the download is
    /// not paused.
    pub fn wait_for_slot(&mut self, slot: usize) -> Result<()> {
        loop {
            let paused = self.follow_pause();
            let now = self.now();
            self.follow_share(now);
            let own = self.slots[slot].not_before.filter(|at| *at > now);
            let until = own.max(self.throttle_back_off.until(now));
            if until.is_none() && !paused && self.share > self.requests_in_flight() {
                return Ok(());
            }
            if let Some(Event::Fault(error)) = self.next_event(until)? {
                return Err(error);
            }
        }
    }
}
