//! Whether and when a failed attempt is repeated. Pure: clocks and chance are the caller's.

use std::time::{Duration, Instant};

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
    pub outlook: Outlook,
}

/// What another attempt can be expected to bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// It may work.
    Open,
    /// Nothing, as long as nothing has worked in this run: the host name may not exist at all.
    HopelessAtFirst,
    /// The same answer.
    Hopeless,
}

impl Failure {
    /// A failure without a wish of the service's.
    pub fn of(cause: Cause, error: Error) -> Self {
        Failure { cause, error, retry_after: None, outlook: Outlook::Open }
    }
}

/// The client's limits.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub max_attempts: u32,
    pub first_byte: Option<Duration>,
    pub no_progress: Option<Duration>,
}

/// What the download has been through.
#[derive(Clone, Copy, Debug)]
pub struct History {
    pub started: Instant,
    /// When the last byte came, in this run.
    pub last_progress: Option<Instant>,
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
    now: Instant,
    chance: f64,
) -> Option<Duration> {
    if failure.outlook == Outlook::Hopeless {
        return None;
    }
    let delay = match failure.retry_after {
        Some(asked) => asked.min(MAX_RETRY_AFTER),
        None if history.brought_bytes => Duration::ZERO,
        None => back_off(history.failures, chance),
    };
    let (since, limit) = match history.last_progress {
        Some(at) => (at, limits.no_progress),
        None => {
            if failure.outlook == Outlook::HopelessAtFirst
                || history.failures >= limits.max_attempts
            {
                return None;
            }
            (history.started, limits.first_byte)
        }
    };
    // An unusable or refused reply says more than silence: asking for two minutes would not change it.
    let settled = matches!(failure.cause, Cause::Reply | Cause::Auth);
    if settled && history.failures >= limits.max_attempts {
        return None;
    }
    if limits.max_attempts <= 1 {
        return None;
    }
    let waited = now.saturating_duration_since(since);
    match limit {
        Some(limit) if waited.saturating_add(delay) > limit => None,
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
        Failure { cause, error, retry_after: None, outlook: Outlook::Open }
    }

    fn history(failures: u32, last_progress: Option<Instant>) -> History {
        let started = Instant::now();
        History { started, last_progress, failures, brought_bytes: false }
    }

    #[test]
    fn before_the_first_byte_the_third_attempt_is_the_last() {
        let now = Instant::now();
        let decide = |n| decide(&failure(Cause::Connect), &history(n, None), &LIMITS, now, 0.5);
        assert!(decide(1).is_some());
        assert!(decide(2).is_some());
        assert_eq!(decide(3), None);
    }

    #[test]
    fn an_unknown_host_ends_a_run_that_has_no_byte_and_not_one_that_has() {
        let now = Instant::now();
        let unknown = Failure { outlook: Outlook::HopelessAtFirst, ..failure(Cause::Connect) };
        assert_eq!(decide(&unknown, &history(1, None), &LIMITS, now, 0.5), None);
        assert!(decide(&unknown, &history(1, Some(now)), &LIMITS, now, 0.5).is_some());
    }

    #[test]
    fn after_progress_two_minutes_without_any_end_it() {
        let then = Instant::now();
        let at = |s| {
            let now = then + Duration::from_secs(s);
            decide(&failure(Cause::Connect), &history(40, Some(then)), &LIMITS, now, 1.0)
        };
        assert!(at(110).is_some());
        assert_eq!(at(119), None, "the next attempt would come too late");
    }

    #[test]
    fn a_connection_that_brought_bytes_goes_on_at_once() {
        let now = Instant::now();
        let history = History { brought_bytes: true, ..history(1, Some(now)) };
        let delay = decide(&failure(Cause::Broken), &history, &LIMITS, now, 0.9);
        assert_eq!(delay, Some(Duration::ZERO));
    }

    #[test]
    fn retry_after_is_honoured_up_to_a_minute() {
        let now = Instant::now();
        let asked = |s| {
            let wait = Some(Duration::from_secs(s));
            let throttled = Failure { retry_after: wait, ..failure(Cause::Service) };
            decide(&throttled, &history(1, Some(now)), &LIMITS, now, 0.0)
        };
        assert_eq!(asked(7), Some(Duration::from_secs(7)));
        assert_eq!(asked(3600), Some(Duration::from_secs(60)));
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
