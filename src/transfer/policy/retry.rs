//! Whether and when a failed attempt is retried. Pure: the caller passes time and randomness.

use std::time::{Duration, Instant};

use crate::model::error::Error;
use crate::model::options::{ClientOptions, FailedAttempt, RetryDecision, RetryVerdict};

/// First delay of the exponential back-off; each further failure doubles it …
const FIRST_DELAY: Duration = Duration::from_millis(200);
/// … up to this, so that a service that recovers is noticed soon.
const MAX_DELAY: Duration = Duration::from_secs(5);
/// The longest delay after a reply that asks for less traffic without saying for how long. Many clients wait at the same
/// time, and what one gives up is unused until another one tries.
const MAX_THROTTLED_DELAY: Duration = Duration::from_millis(2500);
/// Longer than any process lives, for delays that the clock cannot represent.
const FOREVER: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
/// Longest `Retry-After` that is honoured.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// Why a request has to be repeated; each cause has its counter in the statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// No connection: name lookup, TCP or TLS handshake.
    Connect,
    /// The connection broke, or the body was short.
    Broken,
    /// No byte within the time-out.
    TimedOut,
    /// 5xx.
    Service,
    /// The service asks for less traffic.
    Throttled,
    /// Credentials have expired or are not available, or the clock is wrong.
    Auth,
    /// A reply that is not the requested one.
    Reply,
    /// Bytes that are not an HTTP reply: their cause may be temporary, as with a connection that broke.
    Unreadable,
}

/// A failed attempt that a retry may mend.
#[derive(Clone, Debug)]
pub struct Failure {
    pub cause: Cause,
    pub error: Error,
    /// The delay that the service requested.
    pub retry_after: Option<Duration>,
    /// The service reported too many concurrent requests.
    pub too_many_requests: bool,
    pub retryability: Retryability,
}

/// What a retry can be expected to achieve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retryability {
    /// It may work.
    Retryable,
    /// Nothing, while nothing has succeeded in this run: the host name may not exist.
    OnlyAfterProgress,
    /// The same answer.
    Never,
}

impl Failure {
    /// A failure without a delay requested by the service.
    pub fn of(cause: Cause, error: Error) -> Self {
        let (retry_after, too_many_requests) = (None, false);
        Failure {
            cause,
            error,
            retry_after,
            too_many_requests,
            retryability: Retryability::Retryable,
        }
    }
}

/// The client's limits.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub max_attempts: u32,
    pub first_byte: Option<Duration>,
    pub no_progress: Option<Duration>,
    /// Longest time for which a service may throttle while no byte arrives.
    pub throttle: Option<Duration>,
}

impl Limits {
    pub fn new(options: &ClientOptions) -> Self {
        Limits {
            max_attempts: options.max_attempts,
            first_byte: options.first_byte_limit,
            no_progress: options.no_progress_limit,
            throttle: options.throttle_limit,
        }
    }

    /// Longest time without a byte, before or after the run's first byte.
    pub fn of(&self, progressed: bool) -> Option<Duration> {
        if progressed { self.no_progress } else { self.first_byte }
    }

    /// The option that sets [`Limits::of`].
    pub fn name_of(progressed: bool) -> &'static str {
        if progressed { "no_progress_limit" } else { "first_byte_limit" }
    }
}

/// When a retry after `delay` begins.
pub fn after(delay: Duration, now: Instant) -> Instant {
    now.checked_add(delay).unwrap_or(now + FOREVER)
}

/// The history of the download.
#[derive(Clone, Copy, Debug)]
pub struct History {
    /// A byte has arrived in this run.
    pub progressed: bool,
    /// Time without a byte, over all connections.
    pub stalled_for: Duration,
    /// Failures of this connection since its last byte, this one included.
    pub failures: u32,
    /// The failed attempt itself delivered bytes.
    pub brought_bytes: bool,
    /// Rounds of replies that asked for less traffic since the service last accepted a request, over all connections,
    /// this one included.
    pub throttled: u32,
    /// Time for which the service has throttled while no byte arrived, over all connections.
    pub throttled_for: Duration,
}

/// The delay before the next attempt; `None`: give up. `chance` is uniform in 0..1.
pub fn decide(
    failure: &Failure,
    history: &History,
    limits: &Limits,
    chance: f64,
) -> Option<Duration> {
    if failure.retryability == Retryability::Never {
        return None;
    }
    if failure.cause == Cause::Throttled {
        return throttled(failure.retry_after, history, limits, chance);
    }
    let delay = match failure.retry_after {
        // Even a service that asks for no delay, or for one that has passed, is not retried without a pause.
        Some(asked) => asked.min(MAX_RETRY_AFTER).max(back_off(history.failures, chance)),
        None if history.brought_bytes => Duration::ZERO,
        None => back_off(history.failures, chance),
    };
    let at_first = failure.retryability == Retryability::OnlyAfterProgress
        || history.failures >= limits.max_attempts;
    if !history.progressed && at_first {
        return None;
    }
    // The cause of an unusable or refused reply is known: retrying for two minutes would not change it.
    let cause_is_known = matches!(failure.cause, Cause::Reply | Cause::Auth);
    if cause_is_known && history.failures >= limits.max_attempts {
        return None;
    }
    if limits.max_attempts <= 1 {
        return None;
    }
    match limits.of(history.progressed) {
        Some(limit) if history.stalled_for.saturating_add(delay) > limit => None,
        _ => Some(delay),
    }
}

/// What the host's callback makes of the delay that was decided after `attempts` of them, and whether it gave another
/// one.
pub fn with_verdict(
    decision: Option<&RetryDecision>,
    failure: &Failure,
    attempts: u32,
    delay: Option<Duration>,
) -> (Option<Duration>, bool) {
    let Some(decision) = decision else { return (delay, false) };
    let attempt = FailedAttempt {
        attempts,
        status: failure.error.status(),
        code: failure.error.code(),
        message: failure.error.message(),
        would_retry: delay.is_some(),
    };
    match decision(attempt) {
        RetryVerdict::Default => (delay, false),
        RetryVerdict::After(wait) => (Some(wait), true),
        RetryVerdict::Stop => (None, false),
    }
}

/// The delay after a reply that asks for less traffic. It is not a failed attempt: the service is reachable, so only
/// time ends the waiting. The delay is at least what was requested; jitter spreads out many clients that got the same
/// reply.
fn throttled(
    retry_after: Option<Duration>,
    history: &History,
    limits: &Limits,
    chance: f64,
) -> Option<Duration> {
    let pause = back_off_up_to(MAX_THROTTLED_DELAY, history.throttled, chance);
    let asked = retry_after.unwrap_or_default().min(MAX_RETRY_AFTER);
    let spread = pause + asked.mul_f64(chance.clamp(0.0, 1.0) / 4.0);
    let over = |limit: Duration| history.throttled_for.saturating_add(asked.max(pause)) > limit;
    if limits.max_attempts <= 1 || limits.throttle.is_some_and(over) {
        return None;
    }
    Some(asked + spread)
}

/// Exponential with full jitter over its upper half, so that it is neither zero nor in step with other clients.
fn back_off(failures: u32, chance: f64) -> Duration {
    back_off_up_to(MAX_DELAY, failures, chance)
}

fn back_off_up_to(longest: Duration, failures: u32, chance: f64) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let full = FIRST_DELAY.saturating_mul(1 << doublings).min(longest);
    full.mul_f64(0.5 + 0.5 * chance.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMITS: Limits = Limits {
        max_attempts: 3,
        first_byte: Some(Duration::from_secs(10)),
        no_progress: Some(Duration::from_secs(120)),
        throttle: Some(Duration::from_secs(60)),
    };

    fn failure(cause: Cause) -> Failure {
        let error = Error::transport(7, "refused");
        Failure::of(cause, error)
    }

    fn history(failures: u32, progressed: bool) -> History {
        let (stalled_for, throttled_for) = (Duration::ZERO, Duration::ZERO);
        let brought_bytes = false;
        History { progressed, stalled_for, failures, brought_bytes, throttled: 0, throttled_for }
    }

    #[test]
    fn before_the_first_byte_the_third_attempt_is_the_last() {
        let decide = |n| decide(&failure(Cause::Connect), &history(n, false), &LIMITS, 0.5);
        assert!(decide(1).is_some());
        assert!(decide(2).is_some());
        assert_eq!(decide(3), None);
    }

    #[test]
    fn an_unknown_host_ends_only_a_run_without_a_byte() {
        let unknown =
            Failure { retryability: Retryability::OnlyAfterProgress, ..failure(Cause::Connect) };
        assert_eq!(decide(&unknown, &history(1, false), &LIMITS, 0.5), None);
        assert!(decide(&unknown, &history(1, true), &LIMITS, 0.5).is_some());
    }

    #[test]
    fn after_progress_two_minutes_without_a_byte_end_the_download() {
        let after = |seconds| {
            let stalled_for = Duration::from_secs(seconds);
            let history = History { stalled_for, ..history(40, true) };
            decide(&failure(Cause::Connect), &history, &LIMITS, 1.0)
        };
        assert!(after(110).is_some());
        assert_eq!(after(119), None, "the next attempt would come too late");
    }

    #[test]
    fn after_progress_an_unreadable_reply_is_retried_longer_than_a_readable_one() {
        let decide = |cause| decide(&failure(cause), &history(3, true), &LIMITS, 0.5);
        assert_eq!(decide(Cause::Reply), None);
        assert!(decide(Cause::Unreadable).is_some());
    }

    #[test]
    fn a_connection_that_delivered_bytes_is_retried_at_once() {
        let history = History { brought_bytes: true, ..history(1, true) };
        let delay = decide(&failure(Cause::Broken), &history, &LIMITS, 0.9);
        assert_eq!(delay, Some(Duration::ZERO));
    }

    #[test]
    fn retry_after_is_honoured_up_to_a_minute() {
        let asked = |s| {
            let wait = Some(Duration::from_secs(s));
            let throttled = Failure { retry_after: wait, ..failure(Cause::Service) };
            decide(&throttled, &history(1, true), &LIMITS, 0.0)
        };
        assert_eq!(asked(7), Some(Duration::from_secs(7)));
        assert_eq!(asked(3600), Some(Duration::from_secs(60)));
        assert_eq!(asked(0), Some(FIRST_DELAY / 2), "never without a pause");
    }

    #[test]
    fn throttling_ends_attempts_by_time_and_not_by_their_number() {
        let after = |throttled, seconds, asked: Option<u64>| {
            let throttled_for = Duration::from_secs(seconds);
            let history = History { throttled, throttled_for, ..history(0, false) };
            let retry_after = asked.map(Duration::from_secs);
            decide(&Failure { retry_after, ..failure(Cause::Throttled) }, &history, &LIMITS, 0.0)
        };
        assert!(after(50, 54, None).is_some());
        assert_eq!(after(50, 59, None), None, "the next attempt would come too late");
        assert!(after(1, 0, Some(3600)).is_some(), "an hour counts as a minute");
        assert_eq!(after(2, 31, Some(30)), None);
    }

    #[test]
    fn with_max_attempts_of_one_a_throttled_attempt_is_not_retried() {
        let limits = Limits { max_attempts: 1, ..LIMITS };
        assert_eq!(decide(&failure(Cause::Throttled), &history(0, true), &limits, 0.5), None);
    }

    proptest! {
        #[test]
        fn a_throttled_attempt_waits_at_least_the_requested_time_and_clients_spread_out(
            throttled in 1u32..100, asked in 0u64..60, chance in 0.0f64..1.0,
        ) {
            let asked = Duration::from_secs(asked);
            let history = History { throttled, ..history(0, true) };
            let throttled = Failure { retry_after: Some(asked), ..failure(Cause::Throttled) };
            let delay = |chance| decide(&throttled, &history, &LIMITS, chance).expect("in time");
            prop_assert!(delay(chance) > asked);
            prop_assert!(delay(1.0) - delay(0.0) >= (asked / 5).max(FIRST_DELAY / 2) || asked.is_zero());
        }


        #[test]
        fn delays_grow_and_stay_bounded(failures in 1u32..1000, chance in 0.0f64..1.0) {
            let delay = back_off(failures, chance);
            prop_assert!(delay >= FIRST_DELAY / 2 && delay <= MAX_DELAY);
            prop_assert!(back_off(failures + 1, chance) >= delay);
        }
    }
}
