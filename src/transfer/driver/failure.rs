//! The consequences of a failed attempt: a retry, a new start or the end of the download.

use std::time::Duration;

use crate::model::error::{Error, ErrorKind, Result};
use crate::model::options::LogLevel;
use crate::model::pinning::Pinning;
use crate::oss::reply::ReplyHead;
use crate::oss::service_error::{self, ServiceError};
use crate::transfer::counters::Counter;
use crate::transfer::event::{EndReason, FetchEnd};
use crate::transfer::policy::failure_cause::{self, Broken};
use crate::transfer::policy::link;
use crate::transfer::policy::reply_check::{self, Flaw, UNKNOWN};
use crate::transfer::policy::retry::{self, Cause, Failure, History, Limits};

use super::Driver;
use super::in_flight::InFlight;
use super::link::Source;

/// How a download continues after a failed attempt.
pub enum AfterFailure {
    /// The slot retries after its delay.
    Retry,
    /// The object has changed.
    ObjectChanged(String),
}

impl Driver<'_> {
    /// Handles the end of a fetch that did not deliver its span.
    pub fn handle_failure(
        &mut self,
        slot: usize,
        in_flight: &InFlight,
        end: FetchEnd,
    ) -> Result<AfterFailure> {
        let brought_bytes = end.received > 0;
        let span = in_flight.span.held();
        let range = (span.end != UNKNOWN).then(|| (span.start, span.end.saturating_sub(1)));
        let failure = match end.ending {
            EndReason::Complete | EndReason::Cut | EndReason::Aborted => {
                return Ok(AfterFailure::Retry);
            }
            EndReason::Fault(error) => return Err(error),
            EndReason::Refused if self.follow_redirect(in_flight, &end.head)? => {
                return Ok(AfterFailure::Retry);
            }
            EndReason::Refused => {
                let refusal = service_error::parse(&end.head, &end.body);
                // With `If-Match` OSS would have answered 412. Other servers and caches may not.
                let has_if_match = in_flight.pinning.is_none_or(|p| p == Pinning::IfMatch);
                let heeds_if_match = has_if_match && self.source.is_none();
                if refusal.status == 416 && !heeds_if_match {
                    let what = "the service answered 416: it has become shorter";
                    return Ok(AfterFailure::ObjectChanged(what.to_owned()));
                }
                if refusal.status == 412 {
                    return self.after_failed_condition(in_flight, refusal, range);
                }
                self.refused(refusal, in_flight, &end.head, range)
            }
            EndReason::Unusable(Flaw::Changed(what)) => {
                return Ok(AfterFailure::ObjectChanged(what));
            }
            EndReason::Unusable(Flaw::RangeIgnored) if self.source.is_some() => {
                if let Some(what) = self.changed(&end.head) {
                    return Ok(AfterFailure::ObjectChanged(what));
                }
                if self.must_stream() {
                    (self.single_stream, self.stream_is_due) = (true, true);
                    return Ok(AfterFailure::Retry);
                }
                Failure::of(Cause::Reply, self.unusable(&Flaw::RangeIgnored, range))
            }
            EndReason::Unusable(flaw) => {
                Failure::of(failure_cause::of_flaw(&flaw), self.unusable(&flaw, range))
            }
            EndReason::Broken { curl_code, message } => self.broken(curl_code, &message, range),
            EndReason::Stalled => {
                let limit = self.options.idle_timeout.unwrap_or_default();
                let message = format!("no data arrived for {limit:?}");
                let code = curl_sys::CURLE_OPERATION_TIMEDOUT;
                let error = Error::transport(code, self.attempted(&message, range));
                Failure::of(Cause::TimedOut, error)
            }
        };
        self.schedule_retry(slot, failure, brought_bytes)?;
        Ok(AfterFailure::Retry)
    }

    /// Schedules a slot's retry after a failure, or ends the download with the failure's error.
    pub fn schedule_retry(
        &mut self,
        slot: usize,
        failure: Failure,
        brought_bytes: bool,
    ) -> Result<()> {
        let now = self.now();
        if brought_bytes {
            self.slots[slot].forget_failures();
        }
        let stalled_for = self.stalled_for();
        let throttled = failure.cause == Cause::Throttled;
        let throttled_for = if throttled {
            self.throttled(slot, &failure, now)
        } else {
            self.slots[slot].failures += 1;
            Duration::ZERO
        };
        let history = History {
            progressed: self.has_progressed(),
            stalled_for,
            failures: self.slots[slot].failures,
            brought_bytes,
            throttled: self.throttle_back_off.rounds(),
            throttled_for,
        };
        let delay = retry::decide(&failure, &history, &self.limits(), self.world.chance.draw());
        let attempts = history.failures.saturating_add(self.slots[slot].throttled);
        let (delay, decided) =
            retry::with_verdict(self.options.retry.as_ref(), &failure, attempts, delay);
        let asked = failure.retry_after.is_some() || decided;
        let Some(delay) = delay else { return Err(self.final_error(failure, throttled_for)) };
        self.log(LogLevel::Warn, || format!("{}; trying again in {delay:?}", failure.error));
        self.counter_of(failure.cause).add(1);
        let again = retry::after(delay, now);
        self.slots[slot].not_before = Some(again);
        if throttled {
            self.wait_for_service(now, again, asked);
        }
        self.last_error = Some(failure.error);
        if decided {
            self.stall_clock.suspend_until(now, again);
        }
        Ok(())
    }

    pub fn limits(&self) -> Limits {
        Limits::new(self.options)
    }

    /// The error of a failure that is not retried.
    fn final_error(&self, failure: Failure, throttled_for: Duration) -> Error {
        if failure.cause != Cause::Throttled || throttled_for.is_zero() {
            return failure.error;
        }
        let limit = self.options.throttle_limit.unwrap_or_default();
        failure.error.with_context(&format!(
            " The service has throttled this download for {throttled_for:.1?} while no byte came, and {limit:?} is the \
             limit (throttle_limit)."
        ))
    }

    fn counter_of(&self, cause: Cause) -> &Counter {
        let counters = &self.shared.counters;
        match cause {
            Cause::Connect => &counters.retries_connect,
            Cause::Broken => &counters.retries_broken,
            Cause::TimedOut => &counters.retries_timeout,
            Cause::Service | Cause::Throttled => &counters.retries_service,
            Cause::Auth => &counters.retries_auth,
            Cause::Reply | Cause::Unreadable => &counters.retries_reply,
        }
    }

    /// Handles a refusal: a retry may help if the service is overloaded, if newer credentials are available, or if the
    /// clock could be corrected.
    fn refused(
        &mut self,
        refusal: ServiceError,
        in_flight: &InFlight,
        head: &ReplyHead,
        range: Option<(u64, u64)>,
    ) -> Failure {
        let too_many_requests = refusal.has_too_many_active_requests();
        let (cause, retryability) =
            failure_cause::of_refusal(&refusal, || self.can_sign_anew(&refusal, in_flight));
        if cause == Cause::Throttled {
            self.note_accepted();
            let beside = self.served_requests();
            self.throttle_back_off.refused(in_flight.started, beside, self.now());
        }
        let retry_after = head.retry_after(self.world.network.service_time());
        let elsewhere = self.source.is_some() && cause == Cause::Auth;
        let error = match elsewhere {
            true => {
                refusal.into_url_error(&self.object(), range, Some("The URL is asked for anew."))
            }
            false => self.refusal_error(refusal, range),
        };
        Failure { cause, error, retry_after, too_many_requests, retryability }
    }

    /// Whether the next signature will differ: newer credentials, or the service's time. Of a URL: whether there may be
    /// another address.
    fn can_sign_anew(&mut self, refusal: &ServiceError, in_flight: &InFlight) -> bool {
        if let Some(may) = self.may_try_elsewhere(refusal, in_flight.serial) {
            return may;
        }
        if refusal.is_expired_credentials() {
            return self.world.network.credentials_expired(in_flight.serial);
        }
        let correct = refusal.is_clock_skew() && self.options.correct_clock;
        let time = refusal.server_time.filter(|_| correct);
        time.map(|time| self.world.network.set_service_time(time)).is_some()
    }

    /// The error of a refusal that no retry can change.
    pub fn refusal_error(&self, refusal: ServiceError, range: Option<(u64, u64)>) -> Error {
        let Some(Source { link, .. }) = &self.source else {
            return refusal.into_error(&self.object(), range);
        };
        let now = refusal.server_time.unwrap_or_else(|| self.world.network.service_time());
        let lapsed = link.has_expired(&refusal, now).then(|| link::lapsed(link.expiry()));
        refusal.into_url_error(&self.object(), range, lapsed.as_deref())
    }

    /// What has changed, if the whole object came from a URL in place of a range because that ends beyond it now.
    fn changed(&self, head: &ReplyHead) -> Option<String> {
        let transfer = self.transfer.as_ref().filter(|_| self.source.is_some())?;
        let seen = reply_check::probe_reply(head).ok()?;
        match reply_check::continues(&seen, &transfer.generation, transfer.pinning) {
            Err(Flaw::Changed(what)) => Some(what),
            _ => None,
        }
    }

    /// Whether only a stream brings the object of a URL whose server has ignored a range. Its first reply had the whole
    /// object, which did not show that.
    fn must_stream(&self) -> bool {
        self.transfer.as_ref().is_some_and(|transfer| transfer.head.status == 200)
    }

    /// The error of a reply that is not the requested one.
    pub fn unusable(&self, flaw: &Flaw, range: Option<(u64, u64)>) -> Error {
        let what = failure_cause::described(flaw);
        Error::new(ErrorKind::Integrity, "InvalidReply", self.attempted(&what, range))
    }

    fn broken(&self, code: u32, message: &str, range: Option<(u64, u64)>) -> Failure {
        let Broken { cause, retryability, code, what } =
            failure_cause::of_connection(code, message);
        let error = Error::transport(code, self.attempted(&what, range));
        Failure { retryability, ..Failure::of(cause, error) }
    }

    /// The cause, with the object and the bytes of the request.
    pub fn attempted(&self, what: &str, range: Option<(u64, u64)>) -> String {
        let host = self.host();
        match range {
            Some((first, last)) if last != u64::MAX && first <= last => {
                format!("GET {} bytes {first}-{last} from {host}: {what}", self.object())
            }
            _ => format!("GET {} from {host}: {what}", self.object()),
        }
    }
}
