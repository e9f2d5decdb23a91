//! The wait that all connections of a download share while the service asks for less traffic. Pure: the caller passes
//! the time.

use std::time::{Duration, Instant};

/// A request that has not been refused after this time no longer keeps others from starting.
const PROBE_FOR: Duration = Duration::from_secs(2);

/// Counts refusals in rounds: those of requests that were sent before the round's first refusal belong to the same
/// load, however many connections there are.
#[derive(Clone, Copy, Debug, Default)]
pub struct ThrottleBackOff {
    rounds: u32,
    /// When the first request of the last round was refused.
    round_began: Option<Instant>,
    until: Option<Instant>,
}

impl ThrottleBackOff {
    /// A request sent at `sent` was refused.
    pub fn refused(&mut self, sent: Instant, now: Instant) {
        if self.follows_last_round(sent) || self.rounds == 0 {
            self.rounds = self.rounds.saturating_add(1);
            self.round_began = Some(now);
        }
    }

    /// A request sent at `sent` was accepted. Only one sent after a refusal shows that the service accepts requests
    /// again.
    pub fn accepted(&mut self, sent: Instant) {
        if self.follows_last_round(sent) {
            (self.rounds, self.round_began) = (0, None);
        }
    }

    /// Number of rounds since the service last accepted a new request.
    pub fn rounds(&self) -> u32 {
        self.rounds
    }

    /// No request is started before `again`.
    pub fn wait_until(&mut self, again: Instant) {
        self.until = self.until.max(Some(again));
    }

    /// The end of the wait, if it is in the future.
    pub fn until(&self, now: Instant) -> Option<Instant> {
        self.until.filter(|until| now < *until)
    }

    /// How many requests may be started now. `unanswered` are the times at which those without a byte were sent. After
    /// a refusal, one request shows whether the service accepts more.
    pub fn may_start(&self, unanswered: impl Iterator<Item = Instant>, now: Instant) -> usize {
        if self.until(now).is_some() {
            return 0;
        }
        if self.rounds == 0 {
            return usize::MAX;
        }
        let is_probe = |sent: Instant| {
            self.follows_last_round(sent) && now.saturating_duration_since(sent) < PROBE_FOR
        };
        usize::from(!unanswered.into_iter().any(is_probe))
    }

    fn follows_last_round(&self, sent: Instant) -> bool {
        self.round_began.is_some_and(|began| sent > began)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn refusals_of_requests_that_were_sent_together_are_one_round() {
        let start = Instant::now();
        let mut back_off = ThrottleBackOff::default();
        (0..16).for_each(|slot| back_off.refused(start + ms(slot), start + ms(100 + slot)));
        assert_eq!(back_off.rounds(), 1);
        back_off.refused(start + ms(300), start + ms(310));
        assert_eq!(back_off.rounds(), 2);
    }

    #[test]
    fn only_a_request_sent_after_a_refusal_ends_the_rounds() {
        let start = Instant::now();
        let mut back_off = ThrottleBackOff::default();
        back_off.refused(start, start + ms(10));
        back_off.accepted(start + ms(5));
        assert_eq!(back_off.rounds(), 1, "it was sent before");
        back_off.accepted(start + ms(20));
        assert_eq!(back_off.rounds(), 0);
        back_off.refused(start + ms(15), start + ms(30));
        assert_eq!(back_off.rounds(), 1);
    }

    #[test]
    fn an_earlier_end_of_the_wait_does_not_shorten_it() {
        let now = Instant::now();
        let mut back_off = ThrottleBackOff::default();
        back_off.wait_until(now + ms(3000));
        back_off.wait_until(now + ms(200));
        assert_eq!(back_off.until(now + ms(2999)), Some(now + ms(3000)));
        assert_eq!(back_off.until(now + ms(3000)), None);
    }

    #[test]
    fn after_the_wait_one_request_at_a_time_is_tried_until_one_is_accepted() {
        let start = Instant::now();
        let mut back_off = ThrottleBackOff::default();
        let may_start = |back_off: &ThrottleBackOff, sent: &[u64], now| {
            back_off.may_start(sent.iter().map(|at| start + ms(*at)), start + ms(now))
        };
        assert_eq!(may_start(&back_off, &[0], 1), usize::MAX);
        back_off.refused(start, start + ms(10));
        back_off.wait_until(start + ms(200));
        assert_eq!(may_start(&back_off, &[], 199), 0);
        assert_eq!(may_start(&back_off, &[], 200), 1);
        assert_eq!(may_start(&back_off, &[5], 200), 1, "it was sent before the refusal");
        assert_eq!(may_start(&back_off, &[201], 202), 0);
        assert_eq!(may_start(&back_off, &[201], 2201), 1, "it takes too long");
        back_off.accepted(start + ms(201));
        assert_eq!(may_start(&back_off, &[], 300), usize::MAX);
    }
}
