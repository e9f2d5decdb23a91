//! What an expected digest costs: each byte is read once for it, and none if no digest needs that.

use crate::fixture::{Fixture, MIB};
use crate::process::job::{Expected, Job};

use super::{bytes, crc64, md5, sha256};

const SIZE: u64 = 24 * MIB;
/// Bytes that a process reads from other files, such as those of `/proc`.
const OTHER_FILES: u64 = MIB;

/// Bytes that a process reads from files during the download.
fn read(fixture: &Fixture, expected: Expected, change: impl FnOnce(&mut Job)) -> u64 {
    let mut job = Job { expected, part_size: MIB, ..Job::new(fixture) };
    change(&mut job);
    let report = job.start().into_report();
    assert_eq!(report.error, None);
    fixture.assert_range(0..SIZE);
    report.read
}

#[test]
fn without_a_digest_and_for_a_crc_64_no_byte_is_read() {
    let fixture = Fixture::new(SIZE);
    let crc64 = Some(crc64(&fixture).to_string());
    for expected in [Expected::default(), Expected { crc64, ..Expected::default() }] {
        let read = read(&fixture, expected, |_| {});
        assert!(read < OTHER_FILES, "{read} bytes");
    }
}

#[test]
fn each_byte_is_read_once_for_all_digests_whether_or_not_the_file_is_read_back() {
    let fixture = Fixture::new(SIZE);
    let expected = Expected {
        sha256: Some(sha256(&bytes(&fixture)).to_string()),
        md5: Some(md5(&bytes(&fixture)).to_string()),
        crc64: Some(crc64(&fixture).to_string()),
    };
    for read_back in [false, true] {
        let read = read(&fixture, expected.clone(), |job| job.read_back = read_back);
        assert!((SIZE..SIZE + OTHER_FILES).contains(&read), "{read} bytes");
    }
}

#[test]
fn each_byte_of_a_resumed_file_is_read_once_for_its_digest_and_once_for_its_proof() {
    let fixture = Fixture::new(SIZE);
    let held = crate::fixture::PART + 16 * MIB;
    fixture.interrupt(&fixture.request(), 16 * MIB);
    let sha256 = Some(sha256(&bytes(&fixture)).to_string());
    let read = read(&fixture, Expected { sha256, ..Expected::default() }, |_| {});
    assert!((SIZE + held..SIZE + held + OTHER_FILES).contains(&read), "{read} bytes");
}
