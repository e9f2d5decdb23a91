//! Waiting for events, and what ends a wait: a cancel, the deadline, and the stall clock.

use std::time::{Duration, Instant};

use crate::model::error::{Error, Result};
use crate::transfer::event::Event;
use crate::transfer::policy::failure_cause::{self, Provider};
use crate::transfer::policy::retry::Limits;
use crate::transfer::policy::stall_clock::CHECK_INTERVAL;

use super::Driver;

impl Driver<'_> {
    /// The next event; `None` when `until` has passed, or when the download was paused and has been resumed. While it
    /// is paused, only events and errors end the wait. A received event is never dropped because of a pause, a cancel, a
    /// deadline or a stall; the latter three are errors of the next call.
    pub fn next_event(&mut self, until: Option<Instant>) -> Result<Option<Event>> {
        loop {
            self.check_limits()?;
            let was_paused = self.is_paused();
            if self.follow_pause() {
                if let Some(event) = self.next_while_paused()? {
                    return Ok(Some(event));
                }
                continue;
            }
            if was_paused {
                return Ok(None);
            }
            self.check_stall()?;
            let look = self.now() + CHECK_INTERVAL;
            let next = [until, self.deadline()].into_iter().flatten().fold(look, Instant::min);
            let event = self.world.inbox.recv_until(next);
            if event.is_some() || until.is_some_and(|until| until <= self.now()) {
                return Ok(event);
            }
        }
    }

    /// The next event of a paused download; `None` when its deadline has passed.
    fn next_while_paused(&self) -> Result<Option<Event>> {
        match self.deadline() {
            Some(deadline) => Ok(self.world.inbox.recv_until(deadline)),
            None => match self.world.inbox.recv() {
                Some(event) => Ok(Some(event)),
                None => Err(Error::internal("nobody can resume this download any more")),
            },
        }
    }

    /// An error if the download was cancelled or its deadline has passed.
    pub fn check_limits(&self) -> Result<()> {
        if self.shared.is_cancelled() {
            return Err(Error::cancelled(&self.object()));
        }
        if self.deadline().is_some_and(|at| self.now() >= at) {
            let limit = self.request.deadline.unwrap_or(Duration::ZERO);
            return Err(Error::deadline(&self.object(), limit));
        }
        Ok(())
    }

    fn deadline(&self) -> Option<Instant> {
        self.shared.started().checked_add(self.request.deadline?)
    }

    /// An error if an attempt that does not end, or a provider that does not answer, has taken too long. Attempts that
    /// fail are handled when they do, and the pauses between them were within the limits.
    fn check_stall(&mut self) -> Result<()> {
        let stalled_for = self.stalled_for();
        let limit = self.limits().of(self.has_progressed());
        let any_in_flight = self.is_any_in_flight();
        match limit.filter(|limit| stalled_for >= *limit) {
            Some(limit) if any_in_flight || self.awaits_credentials || self.awaits_key => {
                Err(self.stall_error(limit, any_in_flight))
            }
            _ => Ok(()),
        }
    }

    fn stall_error(&mut self, limit: Duration, any_in_flight: bool) -> Error {
        let name = Limits::name_of(self.has_progressed());
        if self.awaits_key {
            return self.unwrapper_error(&format!("has not answered for {limit:?} ({name})"));
        }
        if !any_in_flight {
            let who = if self.source.is_some() { Provider::Url } else { Provider::Credentials };
            return failure_cause::silent_provider(who, limit, name);
        }
        let what = format!("no data has arrived for {limit:?} ({name})");
        match self.last_error.take() {
            Some(error) => error.with_context(&format!("; {what}")),
            None => {
                let message = self.attempted(&what, None);
                Error::transport(curl_sys::CURLE_OPERATION_TIMEDOUT, message)
            }
        }
    }

    /// Whether a byte of the object has arrived from the network in this run.
    pub fn has_progressed(&self) -> bool {
        self.shared.counters.bytes_from_network.get() > 0
    }

    /// Time without a byte, while bytes are missing and nothing on this machine delays them.
    pub fn stalled_for(&mut self) -> Duration {
        let now = self.now();
        self.shared.note_rate(now);
        let heard = self.shared.counters.bytes_from_network.get();
        if heard != self.bytes_at_last_check || self.needs_nothing() {
            self.bytes_at_last_check = heard;
            self.last_error = None;
            self.stall_clock.reset(now);
            if let Some(until) = self.throttle_back_off.until(now) {
                self.stall_clock.suspend_until(now, until);
            }
            self.throttle_clock = None;
            self.connection_limit.progressed(now);
        }
        if let Some(clock) = &mut self.throttle_clock {
            clock.advance(now);
        }
        self.stall_clock.advance(now)
    }

    /// Nothing is missing, as far as is known, or bytes wait because of a limit of the host.
    fn needs_nothing(&self) -> bool {
        let complete = self.transfer.as_ref().is_some_and(|transfer| transfer.stored.is_complete());
        complete || self.shared.bandwidth.holds_back() || self.waits_for_connection
    }
}
