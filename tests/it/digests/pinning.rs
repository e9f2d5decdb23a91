//! A digest proves what the object's CRC-64 would prove: bytes of replies that cannot be pinned with `If-Match`.

use local_oss::{Config, Fault, Matcher, Object};
use oss_resumable::{ErrorKind, Outcome, Proof};

use super::{OLD, assert_differs, bytes, crc64, downloads_the_right_file, expecting, without_crc};
use crate::fixture::{Fixture, MIB, PART};

const SIZE: u64 = 2 * MIB;

/// A service without checksums that refuses its own ETag.
fn refusing() -> Fixture {
    let fixture = without_crc(SIZE);
    fixture.server.inject(refuses_its_etag());
    fixture
}

fn refuses_its_etag() -> Fault {
    Fault::EtagSuffix("-gzip".to_owned())
}

fn assert_expected(fixture: &Fixture, outcome: &Outcome) {
    fixture.assert_whole(outcome);
    assert_eq!(outcome.proof, Proof::ExpectedDigest);
    assert_eq!(outcome.object_crc64, None);
}

#[test]
fn a_service_that_refuses_its_own_etag_and_has_no_checksum_needs_a_digest() {
    let fixture = refusing();
    let error = fixture.client().download(&fixture.request()).expect_err("nothing proves it");
    assert_eq!((error.kind(), error.status()), (ErrorKind::Service, 412));
    assert!(error.message().contains("expected_sha256"), "{error}");

    assert_expected(&fixture, &downloads_the_right_file(&fixture));
    let crc = crc64(&fixture);
    let request = fixture.request_with(|request| request.expected_crc64 = Some(crc));
    assert_expected(&fixture, &fixture.client().download(&request).expect("the right file"));
    let part = bytes(&fixture)[1000..MIB as usize].to_vec();
    let request = expecting(&fixture, &part).range(1000, MIB as i64 - 1);
    let outcome = fixture.client().download(&request).expect("the right range");
    assert_eq!((outcome.proof, outcome.file_size), (Proof::ExpectedDigest, MIB - 1000));
}

#[test]
fn bytes_that_only_a_digest_proves_are_resumed_only_by_a_run_that_has_one() {
    let fixture = refusing();
    let request = expecting(&fixture, &bytes(&fixture));
    // The first request with If-Match is refused; the one without is cut off.
    fixture.server.inject_when(Matcher::any().nth(3), Fault::CloseAfter(300_000));
    let client = fixture.client_without_retries();
    client.download(&request.clone().thread_num(1)).expect_err("interrupted");
    fixture.server.clear_faults();
    fixture.server.inject(refuses_its_etag());
    let held = PART + 300_000;
    let left = fixture.leftovers();
    let outcome = downloads_the_right_file(&fixture);
    assert_eq!(outcome.statistics.bytes_reused, held);

    fixture.put_back(&left);
    let error = fixture.client().download(&fixture.request()).expect_err("nothing proves them");
    assert_eq!(error.status(), 412);
}

#[test]
fn a_weak_etag_without_a_checksum_is_fetched_in_parts_with_a_digest() {
    let fixture = without_crc(SIZE);
    fixture.server.inject(Fault::WeakEtag);
    let parts = downloads_the_right_file(&fixture).statistics.requests;
    assert!(parts > 1, "{parts} requests");
    assert_differs(&fixture, &expecting(&fixture, OLD));
}

#[test]
fn an_object_that_grows_without_a_checksum_is_what_it_was_at_first() {
    let object = Object::pattern(SIZE, 7).appendable().without_crc64();
    let fixture = Fixture::with(Config::default(), object);
    let at_first = bytes(&fixture);
    fixture.server.inject_when(Matcher::any().from(2), Fault::Grow(10_000));
    let request = expecting(&fixture, &at_first);
    let outcome = fixture.client().download(&request).expect("as it was");
    assert_eq!((outcome.proof, outcome.file_size), (Proof::ExpectedDigest, SIZE));
    assert_eq!(outcome.statistics.bytes_discarded, 0);
    assert!(std::fs::read(fixture.target()).expect("the file") == at_first);
}

#[test]
fn bytes_of_two_objects_under_one_etag_are_found() {
    // Only Last-Modified and the bytes would differ; a service that states neither hides it.
    let fixture = refusing();
    fixture.server.inject(Fault::Header { name: "Last-Modified".to_owned(), value: None });
    // The first request for this byte is refused.
    let flip = fixture.server.inject_when(Matcher::any().nth(2), Fault::FlipByte(MIB));
    let outcome = downloads_the_right_file(&fixture);
    assert_eq!(fixture.server.fault_hits(flip), 1);
    assert!(outcome.statistics.bytes_discarded >= SIZE, "{:?}", outcome.statistics);
}
