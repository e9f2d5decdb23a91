//! The active faults, and how often each was applied.

use std::time::{Duration, Instant};

use super::load::{Admission, Load};
use super::{Fault, Matcher, RequestFacts};

/// Identifies an active fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleId(u64);

/// All active faults, in order.
#[derive(Debug, Default)]
pub(crate) struct FaultTable {
    rules: Vec<Rule>,
    next: u64,
}

#[derive(Debug)]
struct Rule {
    id: RuleId,
    matcher: Matcher,
    fault: Fault,
    seen: u64,
    hits: u64,
    load: Load,
}

/// The effect of the rules on one request.
#[derive(Debug, Default)]
pub(crate) struct AppliedFaults {
    pub(crate) faults: Vec<Fault>,
    /// Admissions by the rules with a limit; to be kept until the reply is complete.
    pub(crate) admissions: Vec<Admission>,
}

impl FaultTable {
    pub(crate) fn add(&mut self, matcher: Matcher, fault: Fault) -> RuleId {
        let matcher = match fault {
            Fault::FlipByte(offset) => matcher.covering(offset),
            _ => matcher,
        };
        let id = RuleId(self.next);
        self.next += 1;
        self.rules.push(Rule { id, matcher, fault, seen: 0, hits: 0, load: Load::default() });
        id
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    /// How often a fault was applied; 0 after it was cleared.
    pub(crate) fn hits(&self, id: RuleId) -> u64 {
        self.rules.iter().find(|rule| rule.id == id).map_or(0, |rule| rule.hits)
    }

    /// Counts a request received at `now`, and returns the faults that apply to it.
    pub(crate) fn apply(&mut self, facts: &RequestFacts<'_>, now: Instant) -> AppliedFaults {
        let mut result = AppliedFaults::default();
        for rule in self.rules.iter_mut().filter(|rule| rule.matcher.matches(facts)) {
            rule.seen += 1;
            let counts = rule.matcher.applies(rule.seen, rule.hits);
            if counts && rule.matcher.is_above(&mut rule.load, now) {
                rule.hits += 1;
                result.faults.push(rule.fault.clone());
            } else if rule.matcher.has_limits() {
                result.admissions.push(rule.load.admit(now));
            }
        }
        result
    }

    /// The time to open a connection.
    pub(crate) fn opening_time(&self, connection: u64) -> Duration {
        let about = |rule: &&Rule| {
            rule.matcher.selects_connections() && rule.matcher.matches_connection(connection)
        };
        let times = self.rules.iter().filter(about).map(|rule| match rule.fault {
            Fault::RoundTrip(time) => time,
            _ => Duration::ZERO,
        });
        times.max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(connection: u64) -> RequestFacts<'static> {
        RequestFacts { method: "GET", key: "k", range: Some("bytes=0-9"), connection }
    }

    fn applied_to(matcher: Matcher, fault: Fault) -> Vec<u64> {
        let mut table = FaultTable::default();
        table.add(matcher, fault);
        let now = Instant::now();
        (1..=6).filter(|n| !table.apply(&request(*n), now).faults.is_empty()).collect()
    }

    #[test]
    fn counts_begin_at_one_and_go_over_matching_requests() {
        let nothing = || Fault::NoCrc;
        assert_eq!(applied_to(Matcher::any(), nothing()), [1, 2, 3, 4, 5, 6]);
        assert_eq!(applied_to(Matcher::any().nth(2), nothing()), [2]);
        assert_eq!(applied_to(Matcher::any().from(3).times(2), nothing()), [3, 4]);
        assert_eq!(applied_to(Matcher::any().every(2), nothing()), [2, 4, 6]);
        assert!(applied_to(Matcher::any().every(0), nothing()).is_empty());
        assert_eq!(applied_to(Matcher::any().every_connection(2).nth(2), nothing()), [4]);
    }

    #[test]
    fn a_flipped_byte_counts_only_requests_that_ask_for_it() {
        assert_eq!(applied_to(Matcher::any().times(1), Fault::FlipByte(9)), [1]);
        assert!(applied_to(Matcher::any().times(1), Fault::FlipByte(10)).is_empty());
    }

    #[test]
    fn a_limit_applies_beyond_its_value_and_counts_admitted_requests() {
        assert_eq!(applied_to(Matcher::any().above_rate(4), Fault::NoCrc), [5, 6]);
        assert_eq!(applied_to(Matcher::any().above_rate(2).times(1), Fault::NoCrc), [3]);
        assert!(applied_to(Matcher::any().above_active(1), Fault::NoCrc).is_empty());

        let mut table = FaultTable::default();
        table.add(Matcher::any().above_active(2), Fault::NoCrc);
        let now = Instant::now();
        let mut results: Vec<_> = (0..4).map(|n| table.apply(&request(n), now)).collect();
        let applied: Vec<_> = results.iter().map(|result| result.faults.len()).collect();
        assert_eq!(applied, [0, 0, 1, 1]);
        results.swap_remove(0);
        assert!(table.apply(&request(5), now).faults.is_empty(), "one of them was answered");
    }

    #[test]
    fn hits_are_counted_until_the_fault_is_cleared() {
        let mut table = FaultTable::default();
        let id = table.add(Matcher::any().times(2), Fault::NoCrc);
        (0..5).for_each(|n| drop(table.apply(&request(n), Instant::now())));
        assert_eq!(table.hits(id), 2);
        table.clear();
        assert_eq!(table.hits(id), 0);
    }

    #[test]
    fn only_faults_of_whole_connections_slow_their_opening() {
        let mut table = FaultTable::default();
        let time = Duration::from_millis(40);
        table.add(Matcher::any().nth(1), Fault::RoundTrip(time * 9));
        table.add(Matcher::any().every_connection(2), Fault::RoundTrip(time));
        assert_eq!(table.opening_time(1), Duration::ZERO);
        assert_eq!(table.opening_time(2), time);
    }
}
