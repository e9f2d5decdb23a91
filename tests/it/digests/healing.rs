//! Bytes that are wrong once, on the way or on the disk, are fetched again.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;

use local_oss::{Fault, Matcher};
use oss_resumable::{Crc64, Proof};

use super::{bytes, crc64, downloads_the_right_file, expecting, md5, sha256, without_crc};
use crate::disk::interference::download_with_interference;
use crate::effort::{Chance, cases};
use crate::fixture::{Fixture, MIB, PART};

const SIZE: u64 = 6 * MIB;

#[test]
fn a_byte_that_is_sent_wrong_once_is_found_by_each_digest() {
    for kind in ["sha256", "md5", "crc64"] {
        let fixture = without_crc(SIZE);
        let flip = fixture.server.inject_when(Matcher::any().times(1), Fault::FlipByte(MIB));
        let request = fixture.request_with(|request| match kind {
            "sha256" => request.expected_sha256 = Some(sha256(&bytes(&fixture))),
            "md5" => request.expected_md5 = Some(md5(&bytes(&fixture))),
            _ => request.expected_crc64 = Some(crc64(&fixture)),
        });
        let outcome = fixture.client().download(&request).expect("fetched again");
        fixture.assert_whole(&outcome);
        assert_eq!((outcome.proof, fixture.server.fault_hits(flip)), (Proof::ExpectedDigest, 1));
        assert_eq!(outcome.statistics.bytes_from_network, 2 * SIZE, "{kind}");
        assert_eq!(outcome.statistics.bytes_discarded, SIZE, "{kind}");
    }
}

#[test]
fn a_byte_that_is_sent_wrong_in_a_single_stream_is_fetched_again() {
    let fixture = without_crc(SIZE);
    fixture.server.inject(Fault::IgnoreRange);
    let flip = fixture.server.inject_when(Matcher::any().times(1), Fault::FlipByte(5));
    let outcome = downloads_the_right_file(&fixture);
    assert_eq!(fixture.server.fault_hits(flip), 1);
    assert_eq!(outcome.statistics.bytes_discarded, SIZE, "the stream was repeated");
}

#[test]
fn a_byte_that_is_damaged_on_the_disk_between_two_runs_is_fetched_again() {
    for fixture in [Fixture::new(SIZE), without_crc(SIZE)] {
        fixture.interrupt(&fixture.request(), 3 * MIB);
        flip(&fixture, 2 * MIB);
        let outcome = downloads_the_right_file(&fixture);
        assert!(outcome.statistics.bytes_reused > MIB, "{:?}", outcome.statistics);
        assert!(outcome.statistics.bytes_discarded > 0, "{:?}", outcome.statistics);
    }
}

/// Another program changes this byte of the temporary file.
fn flip(fixture: &Fixture, at: u64) {
    let file = OpenOptions::new().read(true).write(true).open(fixture.temp()).expect("open");
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).expect("read");
    file.write_all_at(&[!byte[0]], at).expect("write");
}

#[test]
fn bytes_that_another_program_changes_during_the_run_are_found_without_reading_back() {
    for fixture in [Fixture::new(SIZE), without_crc(SIZE)] {
        let request = expecting(&fixture, &bytes(&fixture));
        let outcome = download_with_interference(&fixture, &request, || flip(&fixture, 5));
        let outcome = outcome.expect("fetched again");
        fixture.assert_whole(&outcome);
        let discarded = outcome.statistics.bytes_discarded;
        assert!((1..SIZE).contains(&discarded), "only the damaged extent: {discarded}");
    }
}

#[test]
fn a_file_that_another_program_truncates_while_it_is_hashed_is_mended() {
    let fixture = Fixture::new(SIZE);
    let cut = || {
        let file = OpenOptions::new().write(true).open(fixture.temp()).expect("open");
        file.set_len(PART / 2).expect("cut");
    };
    let request = expecting(&fixture, &bytes(&fixture));
    let outcome = download_with_interference(&fixture, &request, cut).expect("mended");
    fixture.assert_whole(&outcome);
    assert_eq!(outcome.proof, Proof::ExpectedDigest);
}

#[test]
fn a_damaged_byte_at_any_place_never_becomes_the_file() {
    let mut chance = Chance::new();
    for _ in 0..cases(6, 200) {
        let fixture = without_crc(5 * MIB);
        let at = chance.below(5 * MIB);
        fixture.server.inject_when(Matcher::any().times(1), Fault::FlipByte(at));
        fixture.interrupt(&fixture.request(), 1 + chance.below(4 * MIB));
        let outcome = downloads_the_right_file(&fixture);
        assert_eq!(outcome.crc64, crc64(&fixture).0);
        let wrong = Crc64(!outcome.crc64);
        let request = fixture.request_with(|request| request.expected_crc64 = Some(wrong));
        fixture.client().download(&request).expect_err("another CRC-64");
        fs::remove_file(fixture.target()).expect("the right file is still there");
    }
}
