//! Evaluation of the server's log: the bytes that were sent over the network.

use std::ops::Range;
use std::time::{Duration, Instant};

use local_oss::LoggedRequest;

use crate::fixture::Fixture;

impl Fixture {
    /// Requests after the first `skipped`, once all of them have been answered or interrupted.
    pub fn requests_after(&self, skipped: usize) -> Vec<LoggedRequest> {
        let give_up_at = Instant::now() + Duration::from_secs(10);
        loop {
            let requests = self.server.requests();
            if requests.iter().all(|request| request.finished.is_some()) {
                return requests.into_iter().skip(skipped).collect();
            }
            assert!(Instant::now() < give_up_at, "a reply never ended");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// The bytes of the object that a request asked for; unbounded without a `Range`.
pub fn asked(request: &LoggedRequest) -> Range<u64> {
    let Some(range) = &request.range else { return 0..u64::MAX };
    let (first, last) = range
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'))
        .expect("a range of bytes");
    let last = if last.is_empty() { u64::MAX - 1 } else { last.parse().expect("the last byte") };
    first.parse().expect("the first byte")..last + 1
}

/// The bytes of the object in the reply, if it was successful.
pub fn sent(request: &LoggedRequest) -> Range<u64> {
    let start = asked(request).start;
    let good = matches!(request.status, Some(200 | 206));
    start..start + if good { request.body_bytes } else { 0 }
}

/// The same bytes as disjoint ranges in order.
pub fn merged(ranges: impl IntoIterator<Item = Range<u64>>) -> Vec<Range<u64>> {
    let mut ranges: Vec<_> = ranges.into_iter().filter(|range| !range.is_empty()).collect();
    ranges.sort_by_key(|range| range.start);
    let mut merged: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// Total length of all ranges; repeated bytes count repeatedly.
pub fn total<'a>(ranges: impl IntoIterator<Item = &'a Range<u64>>) -> u64 {
    ranges.into_iter().map(|range| range.end - range.start).sum()
}
