//! Which bytes a free connection fetches next. Pure.

use std::ops::Range;

/// Shortest span that justifies a request, in bytes.
const MIN_SPAN: u64 = 256 * 1024;
/// A running span is shared only if at least this much of it is left, in bytes …
const MIN_SHARED: u64 = 1024 * 1024;
/// … and its connection would need longer than this for it, in seconds.
const MIN_SHARED_SECONDS: f64 = 0.25;

/// A busy connection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ActiveSpan {
    /// Bytes that it has not received yet.
    pub remaining: u64,
    /// Its rate, in bytes per second.
    pub rate: f64,
}

/// The ranges `ranges` without `taken`; both ascending and disjoint.
pub fn subtract(
    ranges: impl IntoIterator<Item = Range<u64>>,
    taken: impl IntoIterator<Item = Range<u64>>,
) -> Vec<Range<u64>> {
    let mut taken = taken.into_iter().peekable();
    let mut left = Vec::new();
    for range in ranges {
        let mut start = range.start;
        while let Some(next) = taken.peek() {
            if next.start >= range.end {
                break;
            }
            if next.start > start {
                left.push(start..next.start);
            }
            start = start.max(next.end);
            if next.end > range.end {
                break;
            }
            taken.next();
        }
        if start < range.end {
            left.push(start..range.end);
        }
    }
    left
}

/// The span for a free connection: a run of the largest hole, such that all `connections` would end together. `holes`
/// are missing and in no span; `busy` is what the other connections still have to receive; `whole` is the length of the
/// download.
pub fn next_span(
    holes: &[Range<u64>],
    busy: u64,
    connections: u64,
    whole: u64,
) -> Option<Range<u64>> {
    let largest = holes.iter().max_by_key(|hole| hole.end - hole.start)?;
    let (share, shortest) = fair_share(holes, busy, connections, whole);
    Some(start_of(largest, share, shortest))
}

/// Number of bytes that each connection gets if all of them end together, and the least that is worth a request.
pub(super) fn fair_share(
    holes: &[Range<u64>],
    busy: u64,
    connections: u64,
    whole: u64,
) -> (u64, u64) {
    let connections = connections.max(1);
    let missing: u64 = holes.iter().map(|hole| hole.end - hole.start).sum();
    // If others end earlier than expected, the rest is not divided among all of them: for a small object the last
    // connection takes what was intended for it, for a large one nobody takes less than could be shared later.
    let shortest = (whole / (2 * connections)).clamp(MIN_SPAN, MIN_SHARED);
    ((missing.saturating_add(busy)).div_ceil(connections).max(shortest), shortest)
}

/// The first `len` bytes of a hole, or all of it if the remainder would not exceed `shortest`, which is too short for a
/// request of its own.
pub(super) fn start_of(hole: &Range<u64>, len: u64, shortest: u64) -> Range<u64> {
    let whole = hole.end - hole.start;
    let len = if whole <= len.saturating_add(shortest) { whole } else { len };
    hole.start..hole.start + len
}

/// Which busy connection shares its span with an idle one, and how many bytes of its end it gives up, such that both
/// end together. `rate` is the expected rate of the idle connection, `round_trip` the cost of a request.
pub fn share(busy: &[ActiveSpan], rate: f64, round_trip: f64) -> Option<(usize, u64)> {
    let seconds_left = |b: &ActiveSpan| b.remaining as f64 / b.rate.max(1.0);
    let (index, slowest) = busy
        .iter()
        .enumerate()
        .max_by(|(_, a), (_, b)| seconds_left(a).total_cmp(&seconds_left(b)))?;
    let worth = (2.0 * round_trip * slowest.rate).max(MIN_SHARED as f64);
    let alone = seconds_left(slowest);
    if (slowest.remaining as f64) < worth || alone < MIN_SHARED_SECONDS.max(2.0 * round_trip) {
        return None;
    }
    // The idle connection loses a round trip before its first byte.
    let rate = if rate > 0.0 { rate } else { slowest.rate };
    let together = (slowest.remaining as f64 + rate * round_trip) / (slowest.rate + rate).max(1.0);
    let given = ((together - round_trip) * rate).clamp(0.0, slowest.remaining as f64) as u64;
    (given >= MIN_SPAN).then_some((index, given))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MIB: u64 = 1024 * 1024;

    #[test]
    fn three_connections_fetch_a_large_object_in_four_requests() {
        // The first request fetches the first 8 MiB of 1 GiB.
        let mut holes: Vec<_> = std::iter::once(8 * MIB..1024 * MIB).collect();
        let mut busy = 8 * MIB;
        for _ in 0..2 {
            let span = next_span(&holes, busy, 3, 1024 * MIB).expect("a span");
            busy += span.end - span.start;
            holes = subtract(holes, [span]);
        }
        // The first connection has finished and takes the rest.
        busy -= 8 * MIB;
        let rest = next_span(&holes, busy, 3, 1024 * MIB).expect("a span");
        assert!(subtract(holes, [rest]).is_empty());
    }

    #[test]
    fn the_share_of_a_late_connection_is_not_divided_among_early_ones() {
        // Eight connections, 8 MiB: the last eighth waits for the connection of the first request.
        let rest = std::slice::from_ref(&(7 * MIB..8 * MIB));
        for busy in [0, MIB / 10, 3 * MIB] {
            assert_eq!(next_span(rest, busy, 8, 8 * MIB).as_ref(), rest.first(), "{busy}");
        }
    }

    #[test]
    fn an_idle_connection_takes_most_of_the_span_of_one_ten_times_slower() {
        let busy = [ActiveSpan { remaining: 77 * MIB, rate: 2e6 }];
        let (_, given) = share(&busy, 20e6, 0.04).expect("shared");
        let kept = 77 * MIB - given;
        let (slow, fast) = (kept as f64 / 2e6, given as f64 / 20e6 + 0.04);
        assert!((slow - fast).abs() < 0.01, "both end together: {slow} s and {fast} s");
    }

    #[test]
    fn a_span_that_is_nearly_complete_is_not_shared() {
        assert_eq!(share(&[ActiveSpan { remaining: MIB - 1, rate: 1e3 }], 1e9, 0.0), None);
        assert_eq!(share(&[ActiveSpan { remaining: 20 * MIB, rate: 500e6 }], 500e6, 0.001), None);
        assert_eq!(share(&[], 1e6, 0.0), None);
    }

    fn disjoint() -> impl Strategy<Value = Vec<Range<u64>>> {
        proptest::collection::vec((0u64..50, 1u64..50), 0..12).prop_map(|steps| {
            let mut at = 0;
            steps
                .into_iter()
                .map(|(gap, len)| {
                    let start = at + gap;
                    at = start + len;
                    start..at
                })
                .collect()
        })
    }

    proptest! {
        #[test]
        fn subtraction_keeps_exactly_the_bytes_that_are_not_taken(a in disjoint(), b in disjoint()) {
            let left = subtract(a.clone(), b.clone());
            let has = |ranges: &[Range<u64>], at: u64| ranges.iter().any(|r| r.contains(&at));
            for at in 0..1300 {
                prop_assert_eq!(has(&left, at), has(&a, at) && !has(&b, at));
            }
        }

        #[test]
        fn spans_cover_every_hole_and_nothing_else(
            holes in disjoint(), connections in 1u64..9, whole in 0u64..1 << 40,
        ) {
            let scale = |r: &Range<u64>| r.start * 65_536..r.end * 65_536;
            let mut left: Vec<_> = holes.iter().map(scale).collect();
            let total: u64 = left.iter().map(|r| r.end - r.start).sum();
            let mut fetched = 0;
            while let Some(span) = next_span(&left, 0, connections, whole) {
                prop_assert!(left.iter().any(|r| r.start <= span.start && span.end <= r.end));
                prop_assert!(span.start < span.end);
                fetched += span.end - span.start;
                left = subtract(left, [span]);
            }
            prop_assert_eq!(fetched, total);
        }

        #[test]
        fn a_share_is_never_more_than_the_remaining_bytes(
            remaining in 0u64..1 << 40, rate in 0.0f64..1e10, own in 0.0f64..1e10, rtt in 0.0f64..2.0,
        ) {
            if let Some((index, given)) = share(&[ActiveSpan { remaining, rate }], own, rtt) {
                prop_assert_eq!(index, 0);
                prop_assert!(given <= remaining);
            }
        }
    }
}
