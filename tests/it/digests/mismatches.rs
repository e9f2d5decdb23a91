//! A wrong digest: an error, after which the old file is there and nothing else.

use std::fs;

use local_oss::{Config, Object};
use oss_resumable::{Crc64, ErrorKind, Md5};

use super::{
    OLD, assert_differs, base64, bytes, crc64, downloads_the_right_file, expecting, sent, sha256,
    without_crc,
};
use crate::fixture::{Fixture, MIB, PART};
use crate::resume;

const SIZE: u64 = 6 * MIB;
const OTHER: &[u8] = b"other bytes";

#[test]
fn an_object_that_is_another_one_than_expected_is_fetched_only_once() {
    let fixture = Fixture::new(SIZE);
    let error = assert_differs(&fixture, &expecting(&fixture, OTHER));
    let [expected, found] = [sha256(OTHER), sha256(&bytes(&fixture))];
    for part in [&expected.to_string(), &found.to_string(), "expected_sha256", "its CRC-64 is the"]
    {
        assert!(error.message().contains(part), "{part}: {error}");
    }
    assert_eq!(sent(&fixture), SIZE);
    downloads_the_right_file(&fixture);
}

#[test]
fn without_a_checksum_of_the_service_everything_is_fetched_once_more() {
    let fixture = without_crc(SIZE);
    let request = fixture.request_with(|request| request.expected_md5 = Some(Md5([7; 16])));
    let error = assert_differs(&fixture, &request);
    assert!(error.message().contains("expected_md5 is 0707"), "{error}");
    assert!(error.message().contains("in two attempts"), "{error}");
    assert_eq!(sent(&fixture), 2 * SIZE);
    downloads_the_right_file(&fixture);
}

#[test]
fn a_range_and_a_processed_object_are_fetched_once_more() {
    let fixture = Fixture::new(SIZE);
    assert_differs(&fixture, &expecting(&fixture, OTHER).range(5, MIB as i64 + 4));
    assert_eq!(sent(&fixture), 2 * MIB);

    let object = Object::pattern(1000, 7).processed(vec![1; 1_000_000]);
    let fixture = Fixture::with(Config::default(), object);
    let mut request = expecting(&fixture, OTHER);
    request.extra_query = vec![("x-oss-process".to_owned(), "image/resize".to_owned())];
    assert_differs(&fixture, &request);
    assert_eq!(sent(&fixture), 2_000_000);
}

#[test]
fn an_empty_object_has_a_digest_too() {
    for fixture in [Fixture::new(0), without_crc(0)] {
        assert_differs(&fixture, &expecting(&fixture, OTHER));
        downloads_the_right_file(&fixture);
    }
}

#[test]
fn a_checkpoint_does_not_keep_what_has_another_digest() {
    for nothing_left in [false, true] {
        let fixture = Fixture::new(MIB);
        if nothing_left {
            resume::all_but_finished(&fixture);
        } else {
            fixture.interrupt(&fixture.request(), 300_000);
        }
        assert_differs(&fixture, &expecting(&fixture, OTHER));
        let outcome = downloads_the_right_file(&fixture);
        assert_eq!(outcome.statistics.bytes_reused, 0);
    }
}

#[test]
fn a_file_that_is_read_back_is_compared_as_well() {
    for fixture in [Fixture::new(SIZE), without_crc(SIZE)] {
        let mut request = expecting(&fixture, OTHER);
        request.verify_before_rename = true;
        assert_differs(&fixture, &request);
    }
}

#[test]
fn another_crc_64_than_the_service_states_is_noticed_before_anything_is_fetched() {
    let fixture = Fixture::new(SIZE);
    let wrong = Crc64(!crc64(&fixture).0);
    let request = fixture.request_with(|request| request.expected_crc64 = Some(wrong));
    let error = assert_differs(&fixture, &request);
    assert!(error.message().contains("nothing was downloaded"), "{error}");
    assert_eq!(fixture.server.requests().len(), 1);

    // What an earlier run has left is right for a later one.
    fs::remove_file(fixture.target()).expect("remove");
    fixture.interrupt(&fixture.request(), MIB);
    let error = fixture.client().download(&request).expect_err("another CRC-64");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Integrity, "DigestMismatch"));
    let outcome = downloads_the_right_file(&fixture);
    assert_eq!(outcome.statistics.bytes_reused, PART + MIB);
}

#[test]
fn another_crc_64_is_an_error_also_if_the_service_states_none_or_it_is_not_compared() {
    for (fixture, verify_crc) in [(without_crc(SIZE), true), (Fixture::new(SIZE), false)] {
        fs::write(fixture.target(), OLD).expect("the old file");
        let wrong = Crc64(!crc64(&fixture).0);
        let request = fixture.request_with(|request| request.expected_crc64 = Some(wrong));
        let client = fixture.client_with(|options| options.verify_crc = verify_crc);
        let error = client.download(&request).expect_err("another CRC-64");
        assert_eq!((error.kind(), error.code()), (ErrorKind::Integrity, "DigestMismatch"));
        assert_eq!(sent(&fixture), 2 * SIZE);
        assert_eq!(fixture.files(), ["file.bin"]);
        assert_eq!(fs::read(fixture.target()).expect("the old file"), OLD);
    }
}

#[test]
fn one_wrong_digest_among_right_ones_is_enough() {
    let fixture = Fixture::new(SIZE);
    let mut request = expecting(&fixture, &bytes(&fixture));
    request.expected_crc64 = Some(crc64(&fixture));
    request.expected_md5 = base64(&[0; 16]).parse().ok();
    let error = assert_differs(&fixture, &request);
    assert!(error.message().contains("expected_md5"), "{error}");
}
