//! Objects of very many parts: the cost of a part in requests and in the checkpoint.

use std::fs;
use std::os::unix::fs::MetadataExt;

use local_oss::{Fault, Matcher};
use oss_resumable::Status;

use crate::fixture::{Fixture, MIB, PART};

/// Size of a record in the checkpoint, in bytes.
const RECORD: u64 = 32;

#[test]
fn ten_thousand_parts_need_few_requests_and_at_most_a_record_each() {
    const PARTS: u64 = 10_000;
    let fixture = Fixture::new(PARTS * PART);
    let mut lengths = Vec::new();
    let mut files = Vec::new();
    let mut watch = |_: &Status| {
        if let Some(checkpoint) = fixture.journal().and_then(|path| fs::metadata(path).ok()) {
            lengths.push(checkpoint.len());
            files.push(checkpoint.ino());
        }
        true
    };
    let outcome = fixture.client().download_with(&fixture.request(), &mut watch).expect("download");
    assert_eq!(outcome.file_size, PARTS * PART);
    assert_eq!(Some(outcome.crc64), outcome.object_crc64);
    // On a busy machine a fast connection sometimes takes half of another's span; bytes in flight at the cut arrive
    // twice.
    let figures = &outcome.statistics;
    assert!(figures.bytes_from_network - PARTS * PART <= PARTS * PART / 100, "{figures:?}");
    assert!(figures.requests <= 50, "{figures:?}");

    // Only appended to and never rewritten: one file that only grows, by at most a record for each part.
    files.dedup();
    assert_eq!(files.len(), 1);
    assert!(lengths.is_sorted());
    let (first, last) = (lengths[0], lengths[lengths.len() - 1]);
    assert!(last > first && last <= 1024 + PARTS * RECORD, "{first} to {last} bytes");
}

#[test]
fn small_parts_do_not_make_more_requests() {
    // With several connections none has enough left to share, however slow this machine makes it appear.
    for (thread_num, size) in [(1, 8 * MIB), (3, 27 * PART), (8, 72 * PART)] {
        let fixture = Fixture::new(size);
        let request = fixture.request().thread_num(thread_num);
        let outcome = fixture.client().download(&request).expect("download");
        fixture.assert_whole(&outcome);
        let requests = fixture.server.requests().len() as u64;
        assert_eq!(requests, outcome.statistics.requests);
        assert!(requests <= u64::from(thread_num) + 2, "{requests} for {thread_num} connections");
        assert!(fixture.server.connections() <= u64::from(thread_num));
    }
}

#[test]
fn a_connection_that_breaks_in_every_part_costs_a_request_for_each_break_only() {
    let fixture = Fixture::new(8 * MIB);
    let breaks = 10;
    let broken = Matcher::any().from(2).times(breaks);
    fixture.server.inject_when(broken, Fault::CloseAfter(PART + 1));
    let outcome = fixture.client().download(&fixture.request().thread_num(1)).expect("download");
    fixture.assert_whole(&outcome);
    assert_eq!(outcome.statistics.retries_broken, breaks);
    assert_eq!(outcome.statistics.requests, 2 + breaks);
    assert_eq!(outcome.statistics.bytes_from_network, 8 * MIB);
}
