//! Whether and when a failed attempt is repeated. Pure: time and chance are the caller's.

use std::time::Duration;

use crate::model::error::Error;

/// First delay of the exponential back-off; each further failure doubles it …
const FIRST_DELAY: Duration = Duration::from_millis(200);
/// … up to this, so that a service that comes back is found soon.
const MAX_DELAY: Duration = Duration::from_secs(5);
/// Longest `Retry-After` that is honoured.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// Why a request has to be repeated; each has its counter in the statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// No connection: name lookup, TCP or TLS handshake.
    Connect,
    /// The connection broke, or the body was short.
    Broken,
    /// No byte in time.
    TimedOut,
    /// 5xx or 429.
    Service,
    /// Credentials expired or could not be had, or the clock is wrong.
    Auth,
    /// A reply that contradicts the request.
    Reply,
}

/// A failed attempt that another one may mend.
#[derive(Clone, Debug)]
pub struct Failure {
    pub cause: Cause,
    pub error: Error,
    /// What the service asked for.
    pub retry_after: Option<Duration>,
    pub retryability: Retryability,
}

/// What another attempt can be expected to bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retryability {
    /// It may work.
    Retryable,
    /// Nothing, as long as nothing has worked in this run: the host name may not exist at all.
    OnlyAfterProgress,
    /// The same answer.
    Never,
}

impl Failure {
    /// A failure without a wish of the service's.
    pub fn of(cause: Cause, error: Error) -> Self {
        Failure { cause, error, retry_after: None, retryability: Retryability::Retryable }
    }
}

/// The client's limits.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub max_attempts: u32,
    pub first_byte: Option<Duration>,
    pub no_progress: Option<Duration>,
}

impl Limits {
    /// How long nothing may come, before or after the run's first byte.
    pub fn of(&self, progressed: bool) -> Option<Duration> {
        if progressed { self.no_progress } else { self.first_byte }
    }
}

/// What the download has been through.
#[derive(Clone, Copy, Debug)]
pub struct History {
    /// A byte has come, in this run.
    pub progressed: bool,
    /// How long nothing has come, over all connections.
    pub stalled_for: Duration,
    /// Failures of this connection since its last byte, this one included.
    pub failures: u32,
    /// The failed attempt itself brought bytes.
    pub brought_bytes: bool,
}

/// The delay before the next attempt, or none: give up. `chance` is uniform in 0..1.
pub fn decide(
    failure: &Failure,
    history: &History,
    limits: &Limits,
    chance: f64,
) -> Option<Duration> {
    if failure.retryability == Retryability::Never {
        return None;
    }
    let delay = match failure.retry_after {
        // A service that asks for no time at all, or for a time that is over, is not to be asked without a pause.
        Some(asked) => asked.min(MAX_RETRY_AFTER).max(back_off(history.failures, chance)),
        None if history.brought_bytes => Duration::ZERO,
        None => back_off(history.failures, chance),
    };
    let at_first = failure.retryability == Retryability::OnlyAfterProgress
        || history.failures >= limits.max_attempts;
    if !history.progressed && at_first {
        return None;
    }
    // An unusable or refused reply says more than stalled_for: asking for two minutes would not change it.
    let settled = matches!(failure.cause, Cause::Reply | Cause::Auth);
    if settled && history.failures >= limits.max_attempts {
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

/// Exponential with full jitter over its upper half, so that it is neither zero nor in step with others.
fn back_off(failures: u32, chance: f64) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let full = FIRST_DELAY.saturating_mul(1 << doublings).min(MAX_DELAY);
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
    };

    fn failure(cause: Cause) -> Failure {
        let error = Error::transport(7, "refused");
        Failure { cause, error, retry_after: None, retryability: Retryability::Retryable }
    }

    fn history(failures: u32, progressed: bool) -> History {
        History { progressed, stalled_for: Duration::ZERO, failures, brought_bytes: false }
    }

    #[test]
    fn before_the_first_byte_the_third_attempt_is_the_last() {
        let decide = |n| decide(&failure(Cause::Connect), &history(n, false), &LIMITS, 0.5);
        assert!(decide(1).is_some());
        assert!(decide(2).is_some());
        assert_eq!(decide(3), None);
    }

    #[test]
    fn an_unknown_host_ends_a_run_that_has_no_byte_and_not_one_that_has() {
        let unknown =
            Failure { retryability: Retryability::OnlyAfterProgress, ..failure(Cause::Connect) };
        assert_eq!(decide(&unknown, &history(1, false), &LIMITS, 0.5), None);
        assert!(decide(&unknown, &history(1, true), &LIMITS, 0.5).is_some());
    }

    #[test]
    fn after_progress_two_minutes_without_any_end_it() {
        let after = |seconds| {
            let stalled_for = Duration::from_secs(seconds);
            let history = History { stalled_for, ..history(40, true) };
            decide(&failure(Cause::Connect), &history, &LIMITS, 1.0)
        };
        assert!(after(110).is_some());
        assert_eq!(after(119), None, "the next attempt would come too late");
    }

    #[test]
    fn a_connection_that_brought_bytes_goes_on_at_once() {
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

    proptest! {
        #[test]
        fn delays_grow_and_stay_bounded(failures in 1u32..1000, chance in 0.0f64..1.0) {
            let delay = back_off(failures, chance);
            prop_assert!(delay >= FIRST_DELAY / 2 && delay <= MAX_DELAY);
            prop_assert!(back_off(failures + 1, chance) >= delay);
        }
    }
}
