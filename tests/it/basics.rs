//! Ordinary downloads.

use oss_resumable::Proof;

use crate::fixture::{Fixture, MIB, PART};

#[test]
fn an_object_of_many_parts_is_downloaded() {
    let fixture = Fixture::new(5 * MIB + 12_345);
    let outcome = fixture.client().download(&fixture.request()).expect("download");
    fixture.assert_whole(&outcome);
    assert_eq!(outcome.proof, Proof::ObjectCrc);
    assert_eq!(outcome.statistics.bytes_from_network, 5 * MIB + 12_345);
}

#[test]
fn objects_around_the_size_of_a_part_are_downloaded() {
    for size in [1, PART - 1, PART, PART + 1] {
        let fixture = Fixture::new(size);
        let outcome = fixture.client().download(&fixture.request()).expect("download");
        fixture.assert_whole(&outcome);
        let requests = if size <= PART { 1 } else { 2 };
        assert_eq!(fixture.server.requests().len(), requests, "{size} bytes");
    }
}
