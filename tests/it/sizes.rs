//! Every size around that of a part, whole and in ranges, with and without a checkpoint.

use std::fs;

use local_oss::{Config, EmptyObjectRange, Object};
use oss_resumable::{Checkpoint, DownloadRequest, ErrorKind, Proof};

use crate::fixture::{Fixture, PART};

const SIZES: [u64; 8] = [1, 2, PART - 1, PART, PART + 1, 2 * PART, 3 * PART - 1, 7 * PART];

/// Requests with and without a checkpoint.
fn both(fixture: &Fixture) -> [DownloadRequest; 2] {
    [fixture.request(), fixture.request_with(|request| request.checkpoint = Checkpoint::Off)]
}

#[test]
fn objects_of_every_size_around_a_part_are_downloaded() {
    for size in SIZES {
        let fixture = Fixture::new(size);
        for request in both(&fixture) {
            let outcome = fixture.client().download(&request).expect("download");
            fixture.assert_whole(&outcome);
            assert_eq!(outcome.object_size, size);
            assert_eq!(outcome.proof, Proof::ObjectCrc);
            assert_eq!(Some(outcome.crc64), outcome.object_crc64);
            assert_eq!(outcome.statistics.bytes_from_network, size);
            fs::remove_file(fixture.target()).expect("remove");
        }
    }
}

#[test]
fn an_object_that_fits_in_a_part_costs_one_request() {
    for size in [1, PART - 1, PART] {
        let fixture = Fixture::new(size);
        for (done, request) in both(&fixture).iter().enumerate() {
            fixture.client().download(request).expect("download");
            assert_eq!(fixture.server.requests().len(), done + 1, "{size} bytes");
        }
    }
}

#[test]
fn an_empty_object_becomes_an_empty_file_with_any_reply_to_its_range() {
    for (empty_object_range, requests) in
        [(EmptyObjectRange::Status416, 2), (EmptyObjectRange::Status200, 1)]
    {
        for content_range_in_416 in [true, false] {
            for send_crc in [true, false] {
                let config = Config {
                    empty_object_range,
                    content_range_in_416,
                    send_crc,
                    ..Config::default()
                };
                let fixture = Fixture::with(config, Object::pattern(0, 7));
                for request in both(&fixture) {
                    fs::write(fixture.target(), "an older file").expect("write");
                    let before = fixture.server.requests().len();
                    let outcome = fixture.client().download(&request).expect("download");
                    fixture.assert_whole(&outcome);
                    assert_eq!(fs::metadata(fixture.target()).expect("target").len(), 0);
                    assert_eq!(outcome.crc64, 0);
                    assert_eq!(fixture.server.requests().len() - before, requests);
                }
            }
        }
    }
}

#[test]
fn a_range_of_an_empty_object_is_out_of_range() {
    for empty_object_range in [EmptyObjectRange::Status416, EmptyObjectRange::Status200] {
        let config = Config { empty_object_range, ..Config::default() };
        let fixture = Fixture::with(config, Object::pattern(0, 7));
        for (start, end) in [(0, 0), (0, 99), (1, -1), (1, 5)] {
            for request in both(&fixture) {
                let request = request.range(start, end);
                let error = fixture.client().download(&request).expect_err("nothing to download");
                assert_eq!((error.code(), error.status()), ("InvalidRange", 416), "{start}-{end}");
                assert!(fixture.files().is_empty());
            }
        }
    }
}

#[test]
fn from_its_start_to_its_end_an_empty_object_is_an_empty_file() {
    for empty_object_range in [EmptyObjectRange::Status416, EmptyObjectRange::Status200] {
        let config = Config { empty_object_range, ..Config::default() };
        let fixture = Fixture::with(config, Object::pattern(0, 7));
        for request in both(&fixture) {
            let outcome = fixture.client().download(&request.range(0, -1)).expect("download");
            fixture.assert_whole(&outcome);
        }
    }
}

#[test]
fn ranges_of_every_size_give_exactly_their_bytes() {
    for size in SIZES {
        let fixture = Fixture::new(size);
        let client = fixture.client();
        for (start, end) in ranges_within(size) {
            let past = if end < 0 { size } else { size.min(end.unsigned_abs() + 1) };
            for request in both(&fixture) {
                let mut request = request.range(start, end);
                // Flushing takes most of the time and is not under test.
                request.flush = false;
                let outcome = client.download(&request).expect("download");
                fixture.assert_range(start.unsigned_abs()..past);
                assert_eq!(outcome.file_size, past - start.unsigned_abs());
                assert_eq!(outcome.object_size, size);
                assert_eq!(fixture.files(), ["file.bin"], "{start}-{end} of {size}");
            }
        }
    }
}

/// Ranges that contain at least one byte of an object of `size` bytes: first and last, as in the request.
fn ranges_within(size: u64) -> Vec<(i64, i64)> {
    let size = size.cast_signed();
    let part = PART.cast_signed();
    let starts = [0, 1, size / 2, part - 1, part, size - 1];
    let ends =
        [0, 1, size / 2, part - 1, part, size - 2, size - 1, size, size + part, i64::MAX, -1];
    let mut ranges = Vec::new();
    for start in starts.into_iter().filter(|start| (0..size).contains(start)) {
        let valid = |end: &i64| *end == -1 || *end >= start;
        ranges.extend(ends.into_iter().filter(valid).map(|end| (start, end)));
    }
    ranges.sort_unstable();
    ranges.dedup();
    ranges
}

#[test]
fn a_range_that_starts_past_the_end_is_refused_and_changes_nothing() {
    for size in SIZES {
        let fixture = Fixture::new(size);
        fs::write(fixture.target(), "old").expect("write");
        for start in [size, size + 1, i64::MAX.cast_unsigned()] {
            for request in both(&fixture) {
                let request = request.range(start.cast_signed(), -1);
                let error = fixture.client().download(&request).expect_err("out of range");
                assert_eq!(error.kind(), ErrorKind::Service);
                assert_eq!(
                    (error.code(), error.status()),
                    ("InvalidRange", 416),
                    "{start} of {size}"
                );
                assert_eq!(fixture.files(), ["file.bin"]);
                assert_eq!(fs::read(fixture.target()).expect("read"), b"old");
            }
        }
    }
}

#[test]
fn a_range_that_ends_before_it_starts_is_refused_before_anything_is_sent() {
    let fixture = Fixture::new(PART);
    for (start, end) in [(1, 0), (-1, 5), (5, -2), (i64::MIN, i64::MAX), (i64::MAX, 0)] {
        let error =
            fixture.client().download(&fixture.request().range(start, end)).expect_err("refused");
        assert_eq!(error.code(), "ValidateError", "{start}-{end}");
    }
    assert!(fixture.server.requests().is_empty() && fixture.files().is_empty());
}
