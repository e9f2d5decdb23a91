//! A span: a run of missing bytes assigned to one connection.

use std::ops::Range;

use crate::sync::Mutex;
use crate::transfer::policy::reply_check::UNKNOWN;

/// The bytes that one GET delivers, up to [`UNKNOWN`] while the reply has not given their number. The connection claims
/// them in order, and the planner may cut off the end while the connection runs. Both happen under one lock, so that
/// each byte has exactly one owner.
#[derive(Debug)]
pub struct Span {
    bounds: Mutex<Bounds>,
    start: u64,
}

#[derive(Debug)]
struct Bounds {
    /// The unclaimed bytes.
    unclaimed: Range<u64>,
    /// The download has ended without the connection.
    closed: bool,
}

impl Span {
    pub fn new(range: Range<u64>) -> Self {
        Span { start: range.start, bounds: Mutex::new(Bounds { unclaimed: range, closed: false }) }
    }

    /// First byte of the span.
    pub fn start(&self) -> u64 {
        self.start
    }

    /// Claims up to `want` of the next bytes and `count`s them; returns their offset and how many of them belong to the
    /// span. `None` after [`Span::close`].
    pub fn claim(&self, want: usize, count: impl FnOnce(usize)) -> Option<(u64, usize)> {
        let mut bounds = self.bounds.lock();
        if bounds.closed {
            return None;
        }
        let offset = bounds.unclaimed.start;
        let left = bounds.unclaimed.end.saturating_sub(offset);
        let taken = usize::try_from(left).map_or(want, |left| want.min(left));
        bounds.unclaimed.start += taken as u64;
        // Under the lock: whoever closes the span finds every claimed byte counted.
        count(taken);
        Some((offset, taken))
    }

    /// Ends the span with the last claimed byte; no byte is counted from now on.
    pub fn close(&self) {
        let mut bounds = self.bounds.lock();
        bounds.closed = true;
        bounds.unclaimed.end = bounds.unclaimed.start;
    }

    /// The bytes that are not claimed yet.
    pub fn remaining(&self) -> Range<u64> {
        self.bounds.lock().unclaimed.clone()
    }

    /// All bytes of the span, claimed and unclaimed, without those cut off.
    pub fn held(&self) -> Range<u64> {
        self.start..self.bounds.lock().unclaimed.end
    }

    /// Cuts off the last `len` unclaimed bytes, or all of them if there are fewer, and returns their range.
    pub fn cut(&self, len: u64) -> Range<u64> {
        let bounds = &mut self.bounds.lock().unclaimed;
        let end = bounds.end;
        bounds.end = end.saturating_sub(len).max(bounds.start);
        bounds.end..end
    }

    /// Moves the end down to `end`, if a reply shows that the object is shorter than assumed.
    pub fn shorten(&self, end: u64) {
        let bounds = &mut self.bounds.lock().unclaimed;
        bounds.end = bounds.end.min(end).max(bounds.start);
    }

    /// The body has ended, and so has a span whose end was not known.
    pub fn end_with_body(&self) {
        let bounds = &mut self.bounds.lock().unclaimed;
        if bounds.end == UNKNOWN {
            bounds.end = bounds.start;
        }
    }

    /// Moves the end up: a reply with the whole body contains more bytes than were requested.
    pub fn extend(&self, end: u64) {
        let bounds = &mut self.bounds.lock().unclaimed;
        bounds.end = bounds.end.max(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn claim(span: &Span, want: usize) -> (u64, usize) {
        span.claim(want, |_| {}).expect("it is open")
    }

    #[test]
    fn a_cut_never_takes_claimed_bytes() {
        let span = Span::new(100..200);
        assert_eq!(claim(&span, 60), (100, 60));
        assert_eq!(span.cut(1000), 160..200);
        assert_eq!(claim(&span, 10), (160, 0));
        assert_eq!(span.held(), 100..160);
    }

    #[test]
    fn a_closed_span_ends_with_its_last_claimed_byte_and_counts_no_more() {
        let span = Span::new(100..200);
        let mut counted = 0;
        assert_eq!(span.claim(60, |taken| counted += taken), Some((100, 60)));
        span.close();
        assert_eq!(span.claim(60, |taken| counted += taken), None);
        assert_eq!((counted, span.held(), span.remaining()), (60, 100..160, 160..160));
    }

    #[test]
    fn only_a_span_with_an_unknown_end_ends_with_the_body() {
        let span = Span::new(0..UNKNOWN);
        assert_eq!(claim(&span, 60), (0, 60));
        span.end_with_body();
        assert_eq!((span.held(), span.remaining()), (0..60, 60..60));

        let span = Span::new(0..100);
        claim(&span, 60);
        span.end_with_body();
        assert_eq!(span.remaining(), 60..100);
    }

    proptest! {
        #[test]
        fn claims_and_cuts_divide_every_byte_once(
            len in 1u64..10_000,
            steps in proptest::collection::vec((any::<bool>(), 0usize..3_000), 0..40),
        ) {
            let span = Span::new(7..7 + len);
            let mut claimed = 0u64;
            let mut cut = 0u64;
            for (is_claim, amount) in steps {
                if is_claim {
                    let (offset, taken) = claim(&span, amount);
                    prop_assert_eq!(offset, 7 + claimed);
                    claimed += taken as u64;
                } else {
                    let free = span.cut(amount as u64);
                    prop_assert_eq!(free.end, 7 + len - cut);
                    cut += free.end - free.start;
                }
            }
            let rest = span.remaining();
            prop_assert_eq!(claimed + cut + (rest.end - rest.start), len);
        }
    }
}

#[cfg(all(test, shuttle))]
mod schedules;
