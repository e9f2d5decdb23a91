//! A connection claims while planners cut, under many schedules.

use std::sync::Arc;

use super::*;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::scheduled::explore;
use crate::sync::thread;

/// Claims seven bytes at a time, as a connection does, until a byte is not its own; returns the end of the last claim.
fn claim_all(span: &Span) -> u64 {
    let mut claimed = span.start();
    loop {
        let (offset, taken) = span.claim(7, |_| {}).expect("it is open");
        assert_eq!(offset, claimed, "bytes are claimed in their order");
        claimed += taken as u64;
        assert!(span.held().end >= claimed, "claimed bytes stay the connection's");
        if taken < 7 {
            return claimed;
        }
    }
}

#[test]
fn every_byte_is_claimed_or_cut_once() {
    explore(|| {
        let span = Arc::new(Span::new(100..142));
        let planners: Vec<_> = [[9, 14], [3, 20]]
            .map(|lengths| {
                let span = span.clone();
                thread::spawn(move || lengths.map(|len| span.cut(len)))
            })
            .into();
        let claimed = claim_all(&span);

        let mut owned: Vec<_> = planners.into_iter().flat_map(|p| p.join().expect("cut")).collect();
        owned.push(100..claimed);
        owned.push(span.remaining());
        owned.retain(|range| !range.is_empty());
        owned.sort_by_key(|range| range.start);
        let mut reached = 100;
        for range in &owned {
            assert_eq!(range.start, reached, "each byte has one owner: {owned:?}");
            reached = range.end;
        }
        assert_eq!(reached, 142, "an owner for every byte: {owned:?}");
    });
}

#[test]
fn a_span_that_is_shortened_while_it_is_claimed_and_cut_ends_at_a_valid_byte() {
    explore(|| {
        let span = Arc::new(Span::new(100..142));
        let (shortened, cut) = (span.clone(), span.clone());
        let reply = thread::spawn(move || shortened.shorten(120));
        let planner = thread::spawn(move || cut.cut(30));
        let claimed = claim_all(&span);
        reply.join().expect("shorten");
        let free = planner.join().expect("cut");
        assert!(free.start >= claimed && free.end <= 142, "{free:?} and {claimed} claimed");
        assert_eq!(span.held(), 100..claimed);
    });
}

#[test]
fn every_byte_claimed_before_a_span_is_closed_is_counted_then() {
    explore(|| {
        let span = Arc::new(Span::new(100..142));
        let counted = Arc::new(AtomicU64::new(0));
        let connection = {
            let (span, counted) = (span.clone(), counted.clone());
            thread::spawn(move || {
                let count = |taken: usize| _ = counted.fetch_add(taken as u64, Ordering::SeqCst);
                while span.claim(7, count).is_some_and(|(_, taken)| taken > 0) {}
            })
        };
        span.close();
        let claimed = span.held().end - span.start();
        assert_eq!(counted.load(Ordering::SeqCst), claimed);
        connection.join().expect("connection");
        assert_eq!(counted.load(Ordering::SeqCst), claimed, "and no other byte");
    });
}
