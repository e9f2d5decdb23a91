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
    /// Requests that brought bytes when the first one of the last round was refused.
    beside: u32,
    /// The service has named a time before which it wants no request.
    asked: bool,
}

impl ThrottleBackOff {
    /// A request sent at `sent` was refused while `beside` others brought bytes.
    pub fn refused(&mut self, sent: Instant, beside: u32, now: Instant) {
        if self.follows_last_round(sent) || self.rounds == 0 {
            self.rounds = self.rounds.saturating_add(1);
            self.round_began = Some(now);
            self.beside = beside;
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

    /// No request is started before `again`, except in place of one that the service has accepted. `asked`: not even
    /// those, because the service has named the time.
    pub fn wait_until(&mut self, again: Instant, asked: bool, now: Instant) {
        self.asked = asked || (self.asked && self.until(now).is_some());
        self.until = self.until.max(Some(again));
    }

    /// How many requests may be in flight although the service has refused another one: as many as it served then.
    /// `None`: there is no such limit.
    pub fn kept(&self, now: Instant) -> Option<u32> {
        let waits = self.until(now).is_some();
        match self.rounds {
            0 if !waits => None,
            1 if !(waits && self.asked) => Some(self.beside),
            _ => Some(0),
        }
    }

    /// The end of the wait, if it is in the future.
    pub fn until(&self, now: Instant) -> Option<Instant> {
        self.until.filter(|until| now < *until)
    }

    /// How many requests may be started beside `in_flight` others now. `unanswered` are the times at which those without
    /// a byte were sent. After a refusal, one request shows whether the service accepts more.
    pub fn may_start(
        &self,
        in_flight: u32,
        unanswered: impl Iterator<Item = Instant>,
        now: Instant,
    ) -> u32 {
        let Some(kept) = self.kept(now) else { return u32::MAX };
        let kept = kept.saturating_sub(in_flight);
        if kept > 0 || self.until(now).is_some() {
            return kept;
        }
        let is_probe = |sent: Instant| {
            self.follows_last_round(sent) && now.saturating_duration_since(sent) < PROBE_FOR
        };
        u32::from(!unanswered.into_iter().any(is_probe))
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
        (0..16).for_each(|slot| back_off.refused(start + ms(slot), 0, start + ms(100 + slot)));
        assert_eq!(back_off.rounds(), 1);
        back_off.refused(start + ms(300), 0, start + ms(310));
        assert_eq!(back_off.rounds(), 2);
    }

    #[test]
    fn only_a_request_sent_after_a_refusal_ends_the_rounds() {
        let start = Instant::now();
        let mut back_off = ThrottleBackOff::default();
        back_off.refused(start, 0, start + ms(10));
        back_off.accepted(start + ms(5));
        assert_eq!(back_off.rounds(), 1, "it was sent before");
        back_off.accepted(start + ms(20));
        assert_eq!(back_off.rounds(), 0);
        back_off.refused(start + ms(15), 0, start + ms(30));
        assert_eq!(back_off.rounds(), 1);
    }

    #[test]
    fn an_earlier_end_of_the_wait_does_not_shorten_it() {
        let now = Instant::now();
        let mut back_off = ThrottleBackOff::default();
        back_off.wait_until(now + ms(3000), true, now);
        back_off.wait_until(now + ms(200), false, now);
        assert_eq!(back_off.until(now + ms(2999)), Some(now + ms(3000)));
        assert_eq!(back_off.until(now + ms(3000)), None);
    }

    #[test]
    fn after_the_wait_one_request_at_a_time_is_tried_until_one_is_accepted() {
        let start = Instant::now();
        let mut back_off = ThrottleBackOff::default();
        let may_start = |back_off: &ThrottleBackOff, sent: &[u64], now| {
            back_off.may_start(0, sent.iter().map(|at| start + ms(*at)), start + ms(now))
        };
        assert_eq!(may_start(&back_off, &[0], 1), u32::MAX);
        back_off.refused(start, 0, start + ms(10));
        back_off.wait_until(start + ms(200), false, start + ms(10));
        assert_eq!(may_start(&back_off, &[], 199), 0);
        assert_eq!(may_start(&back_off, &[], 200), 1);
        assert_eq!(may_start(&back_off, &[5], 200), 1, "it was sent before the refusal");
        assert_eq!(may_start(&back_off, &[201], 202), 0);
        assert_eq!(may_start(&back_off, &[201], 2201), 1, "it takes too long");
        back_off.accepted(start + ms(201));
        assert_eq!(may_start(&back_off, &[], 300), u32::MAX);
    }

    #[test]
    fn a_request_may_follow_one_that_was_served_while_another_was_refused() {
        let start = Instant::now();
        let refused = |asked| {
            let mut back_off = ThrottleBackOff::default();
            back_off.refused(start, 2, start + ms(10));
            back_off.wait_until(start + ms(200), asked, start + ms(10));
            back_off
        };
        let may_start = |back_off: &ThrottleBackOff, in_flight, now| {
            back_off.may_start(in_flight, std::iter::empty(), start + ms(now))
        };
        let back_off = refused(false);
        assert_eq!([2, 1, 0].map(|in_flight| may_start(&back_off, in_flight, 100)), [0, 1, 2]);
        assert_eq!(may_start(&back_off, 2, 200), 1, "one more is tried");
        assert_eq!(may_start(&refused(true), 1, 100), 0, "the service has named the time");
        let mut again = refused(false);
        again.refused(start + ms(50), 1, start + ms(60));
        assert_eq!(may_start(&again, 1, 100), 0, "the one that followed was refused too");
    }
}
