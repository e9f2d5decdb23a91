//! Selection of the requests to which a fault applies.

use std::time::Instant;

use super::load::Load;

/// Selects requests. Every condition must hold; [`Matcher::any`] has none.
#[derive(Clone, Debug, Default)]
pub struct Matcher {
    method: Option<String>,
    ranged: bool,
    key: Option<String>,
    covering: Option<u64>,
    every_connection: Option<u64>,
    nth: Option<u64>,
    from: Option<u64>,
    every: Option<u64>,
    times: Option<u64>,
    above_rate: Option<u64>,
    above_active: Option<u64>,
}

/// The properties of a request that matchers compare.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestFacts<'a> {
    pub(crate) method: &'a str,
    pub(crate) key: &'a str,
    pub(crate) range: Option<&'a str>,
    pub(crate) connection: u64,
}

impl Matcher {
    /// Every request.
    pub fn any() -> Self {
        Self::default()
    }

    /// Only requests of this method.
    #[must_use]
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }

    /// Only HEAD requests.
    #[must_use]
    pub fn head(self) -> Self {
        self.method("HEAD")
    }

    /// Only requests with a `Range`.
    #[must_use]
    pub fn ranged(mut self) -> Self {
        self.ranged = true;
        self
    }

    /// Only requests for this key.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Only requests that ask for the byte at this offset.
    #[must_use]
    pub fn covering(mut self, offset: u64) -> Self {
        self.covering = Some(offset);
        self
    }

    /// Only requests on every `n`-th connection; connections are numbered from 1.
    #[must_use]
    pub fn every_connection(mut self, n: u64) -> Self {
        self.every_connection = Some(n);
        self
    }

    /// Only the `k`-th request, from 1, of those that meet the conditions above.
    #[must_use]
    pub fn nth(mut self, k: u64) -> Self {
        self.nth = Some(k);
        self
    }

    /// Only from the `k`-th request on, of those that meet the conditions above.
    #[must_use]
    pub fn from(mut self, k: u64) -> Self {
        self.from = Some(k);
        self
    }

    /// Only every `k`-th request of those that meet the conditions above.
    #[must_use]
    pub fn every(mut self, k: u64) -> Self {
        self.every = Some(k);
        self
    }

    /// At most `n` times.
    #[must_use]
    pub fn times(mut self, n: u64) -> Self {
        self.times = Some(n);
        self
    }

    /// Only requests beyond `n` in one second, of those that meet the conditions above: a rate limit of the
    /// whole server. Requests to which the fault applies do not count.
    #[must_use]
    pub fn above_rate(mut self, n: u64) -> Self {
        self.above_rate = Some(n);
        self
    }

    /// Only requests received while `n` others that meet the conditions above are in progress, on any
    /// connection. Requests to which the fault applies do not count.
    #[must_use]
    pub fn above_active(mut self, n: u64) -> Self {
        self.above_active = Some(n);
        self
    }

    /// Whether it has a limit on admitted requests.
    pub(super) fn has_limits(&self) -> bool {
        self.above_rate.is_some() || self.above_active.is_some()
    }

    /// Whether a request at `now` is beyond the limits, if there are any.
    pub(super) fn is_above(&self, load: &mut Load, now: Instant) -> bool {
        self.above_rate.is_none_or(|n| load.rate(now) >= n)
            && self.above_active.is_none_or(|n| load.active() >= n)
    }

    /// Whether a request meets the conditions that do not count requests.
    pub(super) fn matches(&self, facts: &RequestFacts<'_>) -> bool {
        self.method.as_deref().is_none_or(|method| method == facts.method)
            && (!self.ranged || facts.range.is_some())
            && self.key.as_deref().is_none_or(|key| key == facts.key)
            && self.covering.is_none_or(|offset| asks_for(facts, offset))
            && self.matches_connection(facts.connection)
    }

    /// Whether the fault applies to matching request number `seen`, after it applied to `hits` requests.
    pub(super) fn applies(&self, seen: u64, hits: u64) -> bool {
        self.nth.is_none_or(|k| seen == k)
            && self.from.is_none_or(|k| seen >= k)
            && self.every.is_none_or(|k| seen.checked_rem(k) == Some(0))
            && self.times.is_none_or(|n| hits < n)
    }

    pub(super) fn matches_connection(&self, connection: u64) -> bool {
        self.every_connection.is_none_or(|n| connection.checked_rem(n) == Some(0))
    }

    /// Whether it selects whole connections and not single requests.
    pub(super) fn selects_connections(&self) -> bool {
        let plain = self.method.is_none() && !self.ranged && self.key.is_none();
        let counts = [self.nth, self.from, self.every, self.times];
        plain && !self.has_limits() && self.covering.is_none() && counts.iter().all(Option::is_none)
    }
}

/// Whether `bytes=a-b` or `bytes=a-` contains `offset`; any other GET is for the whole object, a HEAD for no
/// byte.
fn asks_for(facts: &RequestFacts<'_>, offset: u64) -> bool {
    if facts.method == "HEAD" {
        return false;
    }
    let bounds = facts.range.and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
    let Some((first, last)) = bounds else { return true };
    let first = first.parse().unwrap_or(0);
    let last = last.parse().unwrap_or(u64::MAX);
    (first..=last).contains(&offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts<'a>(range: Option<&'a str>, connection: u64) -> RequestFacts<'a> {
        RequestFacts { method: "GET", key: "k", range, connection }
    }

    #[test]
    fn every_condition_must_hold() {
        let matcher = Matcher::any().method("GET").key("k").ranged().every_connection(3);
        assert!(matcher.matches(&facts(Some("bytes=0-1"), 6)));
        assert!(!matcher.matches(&facts(Some("bytes=0-1"), 5)));
        assert!(!matcher.matches(&facts(None, 6)));
        assert!(!Matcher::any().head().matches(&facts(None, 1)));
        assert!(!Matcher::any().every_connection(0).matches(&facts(None, 1)));
    }

    #[test]
    fn head_asks_for_no_byte() {
        let head = RequestFacts { method: "HEAD", ..facts(None, 1) };
        assert!(!Matcher::any().covering(0).matches(&head));
    }

    #[test]
    fn an_offset_is_covered_by_the_range_that_holds_it() {
        let at_100 = Matcher::any().covering(100);
        for range in [None, Some("bytes=0-100"), Some("bytes=100-")] {
            assert!(at_100.matches(&facts(range, 1)), "{range:?}");
        }
        for range in ["bytes=0-99", "bytes=101-"] {
            assert!(!at_100.matches(&facts(Some(range), 1)), "{range}");
        }
    }
}
