//! The attempts to get one page: how long they have lasted, and when the next one begins.

use std::time::{Duration, Instant};

use crate::model::error::Error;
use crate::model::options::ClientOptions;
use crate::transfer::policy::failure_cause::{self, Provider};
use crate::transfer::policy::retry::{self, Cause, Failure, History, Limits};
use crate::transfer::policy::stall_clock::StallClock;
use crate::transfer::policy::throttle_back_off::ThrottleBackOff;

/// The attempts so far.
pub struct Attempts<'a> {
    options: &'a ClientOptions,
    /// Another page has been received before.
    has_progressed: bool,
    failures: u32,
    throttled: u32,
    /// Measures the time without a byte in this attempt.
    silence: StallClock,
    /// How long the attempts before were without a byte when they failed, and the delays between them.
    waited: Duration,
    /// Runs since the service throttles.
    throttle_clock: Option<StallClock>,
    back_off: ThrottleBackOff,
    /// The number of bytes that had come when the time was last measured.
    bytes: u64,
    /// No attempt begins before this.
    pub not_before: Option<Instant>,
    last_error: Option<Error>,
}

impl<'a> Attempts<'a> {
    pub fn new(options: &'a ClientOptions, has_progressed: bool, bytes: u64, now: Instant) -> Self {
        Attempts {
            options,
            has_progressed,
            failures: 0,
            throttled: 0,
            silence: StallClock::new(now),
            waited: Duration::ZERO,
            throttle_clock: None,
            back_off: ThrottleBackOff::default(),
            bytes,
            not_before: None,
            last_error: None,
        }
    }

    /// The next attempt begins.
    pub fn begin(&mut self, now: Instant) {
        self.silence.reset(now);
    }

    /// Time passes, in which `bytes` have come in all. A part of a page is no progress, but its bytes show that the
    /// service is not silent.
    pub fn advance(&mut self, bytes: u64, now: Instant) {
        if bytes == self.bytes {
            self.silence.advance(now);
        } else {
            self.silence.reset(now);
            self.bytes = bytes;
        }
        if let Some(clock) = &mut self.throttle_clock {
            clock.advance(now);
        }
    }

    /// The time that has passed since the last call is nobody's fault: this process has to wait for itself.
    pub fn skip(&mut self, now: Instant) {
        self.silence.skip(now);
    }

    /// An error if the service, or else the credentials provider, has been silent for too long.
    pub fn check_stall(&mut self, asks_service: bool, now: Instant) -> Result<(), Error> {
        let silent_for = self.silence.advance(now);
        let name = Limits::name_of(self.has_progressed);
        let limit = self.limits().of(self.has_progressed).filter(|limit| silent_for >= *limit);
        let Some(limit) = limit else { return Ok(()) };
        if !asks_service {
            return Err(failure_cause::silent_provider(Provider::Credentials, limit, name));
        }
        let what = format!("no data has arrived for {limit:?} ({name})");
        Err(match self.last_error.take() {
            Some(error) => error.with_context(&format!("; {what}")),
            None => Error::transport(curl_sys::CURLE_OPERATION_TIMEDOUT, what),
        })
    }

    /// Decides what follows from the failure of the attempt that began at `sent`: the delay after which the next one may
    /// begin, or the error.
    pub fn failed(
        &mut self,
        failure: Failure,
        (sent, now): (Instant, Instant),
        chance: f64,
    ) -> Result<Duration, Error> {
        let is_throttled = failure.cause == Cause::Throttled;
        let mut throttled_for = Duration::ZERO;
        if is_throttled {
            self.throttled += 1;
            self.back_off.refused(sent, 0, now);
            let clock = self.throttle_clock.get_or_insert_with(|| StallClock::new(now));
            throttled_for = clock.advance(now);
        } else {
            self.failures += 1;
        }
        let stalled_for = self.waited.saturating_add(self.silence.advance(now));
        self.silence.reset(now);
        let history = History {
            progressed: self.has_progressed,
            stalled_for,
            failures: self.failures,
            brought_bytes: false,
            throttled: self.back_off.rounds(),
            throttled_for,
        };
        let delay = retry::decide(&failure, &history, &self.limits(), chance);
        let attempts = self.failures.saturating_add(self.throttled);
        let (delay, is_of_host) =
            retry::with_verdict(self.options.retry.as_ref(), &failure, attempts, delay);
        let Some(delay) = delay else {
            return Err(self.final_error(failure, throttled_for));
        };
        let again = retry::after(delay, now);
        self.not_before = Some(again);
        // A delay that the service or the host has asked for is nobody's silence.
        let is_asked_for = is_throttled || is_of_host;
        self.waited = if is_asked_for { Duration::ZERO } else { stalled_for.saturating_add(delay) };
        self.last_error = Some(failure.error);
        Ok(delay)
    }

    fn final_error(&self, failure: Failure, throttled_for: Duration) -> Error {
        if throttled_for.is_zero() {
            return failure.error;
        }
        let limit = self.options.throttle_limit.unwrap_or_default();
        failure.error.with_context(&format!(
            " The service has throttled this listing for {throttled_for:.1?}, and {limit:?} is the limit \
             (throttle_limit)."
        ))
    }

    fn limits(&self) -> Limits {
        Limits::new(self.options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn broken() -> Failure {
        Failure::of(Cause::Broken, Error::transport(curl_sys::CURLE_RECV_ERROR, "reset"))
    }

    #[test]
    fn parts_of_a_page_are_no_progress_but_show_that_the_service_is_not_silent() {
        let options = ClientOptions::new("example.com");
        let start = Instant::now();
        let mut attempts = Attempts::new(&options, false, 0, start);
        for second in 1..=60_u32 {
            attempts.advance(u64::from(second / 5), start + SECOND * second);
        }
        let now = start + SECOND * 60;
        attempts.check_stall(true, now).expect("bytes came all the time");
        for _ in 0..2 {
            attempts.failed(broken(), (now, now), 0.5).expect("a retry");
        }
        attempts.failed(broken(), (now, now), 0.5).expect_err("no page has come");
    }

    #[test]
    fn a_page_that_always_breaks_after_another_page_is_given_up_after_the_limit() {
        let options = ClientOptions::new("example.com");
        let (start, mut bytes) = (Instant::now(), 0);
        let mut attempts = Attempts::new(&options, true, bytes, start);
        let mut now = start;
        while let Ok(delay) = attempts.failed(broken(), (now, now), 0.5) {
            now += delay;
            attempts.begin(now);
            bytes += 1000;
            attempts.advance(bytes, now);
            assert!(now - start < SECOND * 130, "it never ends");
        }
        assert!(now - start > SECOND * 100, "{:?}", now - start);
    }

    #[test]
    fn silence_is_an_error_after_the_limit_which_is_longer_after_a_page() {
        let options = ClientOptions::new("example.com");
        let start = Instant::now();
        let silent_for = |has_progressed, seconds: u32| {
            let mut attempts = Attempts::new(&options, has_progressed, 0, start);
            (1..=seconds).for_each(|second| attempts.advance(0, start + SECOND * second));
            attempts.check_stall(true, start + SECOND * seconds)
        };
        silent_for(false, 9).expect("in time");
        assert!(silent_for(false, 10).expect_err("late").message().contains("first_byte_limit"));
        silent_for(true, 119).expect("in time");
        assert!(silent_for(true, 120).expect_err("late").message().contains("no_progress_limit"));
    }

    #[test]
    fn throttling_is_limited_by_time_and_not_by_the_number_of_attempts() {
        let options = ClientOptions::new("example.com");
        let start = Instant::now();
        let mut attempts = Attempts::new(&options, false, 0, start);
        let mut now = start;
        let error = loop {
            let throttled = Failure { cause: Cause::Throttled, ..broken() };
            match attempts.failed(throttled, (now, now), 0.5) {
                Ok(delay) => now += delay,
                Err(error) => break error,
            }
            attempts.advance(0, now);
        };
        assert!(now - start > SECOND * 10, "{:?}", now - start);
        assert!(error.message().contains("throttle_limit"), "{error}");
    }
}
