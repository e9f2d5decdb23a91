//! Resuming from files that the OSS C++ SDK left, with records that it actually wrote
//! (tests/data/checkpoint/cpp-sdk-record).
//!
//! The record's name depends on the target path as passed to the SDK, "download.bin"; so the example runs in that
//! directory.

use std::fs;
use std::path::{Path, PathBuf};

use local_oss::{Config, Fault, LoggedRequest, Matcher, Object};
use oss_resumable::DownloadRequest;

use crate::fixture::Fixture;
use crate::program::{error_output, program};
use crate::traffic::{asked, merged, sent, total};

const SIZE: u64 = 1_500_000;
/// The SDK's part size, and the number of parts in its record of the whole object.
const PART: u64 = 102_400;
const PARTS: u64 = 9;
/// MD5("oss://slow/pattern.bin")--MD5("download.bin"), computed with `md5sum`.
const RECORD: &str = "E235A58FD2FE3EB5AB84EF9F23644983--41704C2848F9F2D9EC9D20EB1BA2BB8F";

/// The object that the SDK was downloading when it was stopped.
pub fn pattern() -> Vec<u8> {
    (0..SIZE).map(|i| (131 * i + 17 * (i >> 8) + 7 * (i >> 16)) as u8).collect()
}

/// A server with an object in place of the SDK's, and a directory with the files that the SDK left.
pub struct Left {
    pub fixture: Fixture,
    object: Vec<u8>,
}

impl Left {
    pub fn new(kind: &str, config: Config, object: Vec<u8>) -> Self {
        let fixture = Fixture::with(config, Object::bytes([]));
        fixture.server.put("slow", "pattern.bin", Object::bytes(object.clone()));
        let data =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/checkpoint/cpp-sdk-record");
        let copy = |from: String, to: &str| {
            fs::copy(data.join(from), fixture.dir().join(to)).expect("copy");
        };
        copy(format!("{kind}.json"), RECORD);
        copy(format!("{kind}.temp"), "download.bin.temp");
        Left { fixture, object }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.fixture.dir().join(name)
    }

    /// Resumes, and checks that the file is the object and no other file is left. Returns the requests.
    pub fn resume(&self) -> Vec<LoggedRequest> {
        let arguments = ["slow", "pattern.bin", "download.bin", "."];
        let output = program(&self.fixture, self.fixture.dir(), arguments).output().expect("run");
        assert!(output.status.success(), "{}", error_output(&output));
        assert!(fs::read(self.path("download.bin")).expect("read") == self.object, "a wrong file");
        assert_eq!(self.fixture.files(), ["download.bin"]);
        self.fixture.requests_after(0)
    }
}

/// The received ranges, and their total length.
fn came(requests: &[LoggedRequest]) -> (Vec<std::ops::Range<u64>>, u64) {
    let replies: Vec<_> = requests.iter().map(sent).collect();
    (merged(replies.clone()), total(&replies))
}

#[test]
fn the_sdks_parts_are_kept_and_the_others_fetched() {
    let left = Left::new("plain", Config::default(), pattern());
    let requests = left.resume();
    let held = PARTS * PART;
    assert_eq!(asked(&requests[0]).start, held);
    assert_eq!(came(&requests), (vec![held..SIZE], SIZE - held));
}

#[test]
fn a_part_of_the_sdk_that_is_damaged_on_the_disk_is_fetched_again() {
    for part in [0, 4, PARTS - 1] {
        let left = Left::new("plain", Config::default(), pattern());
        let temp = left.path("download.bin.temp");
        let mut bytes = fs::read(&temp).expect("read");
        bytes[(part * PART + 7) as usize] ^= 0x40;
        fs::write(&temp, bytes).expect("write");
        let damaged = part * PART..(part + 1) * PART;
        let (ranges, bytes) = came(&left.resume());
        assert_eq!(ranges, merged([damaged, PARTS * PART..SIZE]));
        assert_eq!(bytes, SIZE - (PARTS - 1) * PART);
    }
}

#[test]
fn a_truncated_file_of_the_sdks_costs_the_parts_it_does_not_hold() {
    let left = Left::new("plain", Config::default(), pattern());
    let temp = fs::OpenOptions::new().write(true).open(left.path("download.bin.temp"));
    temp.and_then(|file| file.set_len(5 * PART - 1)).expect("truncate");
    assert_eq!(came(&left.resume()), (vec![4 * PART..SIZE], SIZE - 4 * PART));
}

#[test]
fn without_the_objects_crc_the_sdks_parts_cannot_be_verified() {
    let config = Config { send_crc: false, ..Config::default() };
    let left = Left::new("plain", config, pattern());
    let (ranges, _) = came(&left.resume());
    assert_eq!(ranges, [0..SIZE]);
}

#[test]
fn an_object_that_replaced_the_sdks_is_downloaded_whole() {
    let mut same_size = pattern();
    // Only among the bytes that the SDK has: only the CRC-64 of the whole object shows the difference.
    same_size[12_345] ^= 1;
    let mut shorter = pattern();
    shorter.truncate(1_499_999);
    let smaller_than_recorded = pattern()[..PART as usize].to_vec();
    for object in [same_size, shorter, smaller_than_recorded, Vec::new()] {
        let size = object.len() as u64;
        let left = Left::new("plain", Config::default(), object);
        let (ranges, _) = came(&left.resume());
        assert_eq!(ranges, merged([0..size]));
    }
}

#[test]
fn the_sdks_record_of_a_range_is_ignored() {
    let left = Left::new("range", Config::default(), pattern());
    assert_eq!(came(&left.resume()), (vec![0..SIZE], SIZE));
}

#[test]
fn a_damaged_record_of_the_sdk_is_ignored() {
    let left = Left::new("plain", Config::default(), pattern());
    let record = fs::read(left.path(RECORD)).expect("read");
    fs::write(left.path(RECORD), &record[..record.len() - 1]).expect("write");
    assert_eq!(came(&left.resume()), (vec![0..SIZE], SIZE));
}

#[test]
fn a_record_with_another_format_is_ignored() {
    for shape in ["", "[1,2]", "{}", "null", r#"{"parts":[[]],"size":-1}"#, r#"{"md5Sum":7}"#] {
        let left = Left::new("plain", Config::default(), pattern());
        fs::write(left.path(RECORD), shape).expect("write");
        assert_eq!(came(&left.resume()), (vec![0..SIZE], SIZE), "{shape}");
    }
}

#[test]
fn the_sdks_record_without_its_file_is_ignored() {
    let left = Left::new("plain", Config::default(), pattern());
    fs::remove_file(left.path("download.bin.temp")).expect("remove");
    let (ranges, bytes) = came(&left.resume());
    assert_eq!((ranges, bytes), (vec![0..SIZE], SIZE));
}

#[test]
fn the_sdks_parts_are_not_treated_as_verified_by_later_runs() {
    let replaced: Vec<u8> = pattern().iter().map(|byte| byte ^ 1).collect();
    let left = Left::new("plain", Config::default(), replaced);
    let server = &left.fixture.server;
    let denied = Fault::Status { status: 403, code: "AccessDenied".to_owned(), retry_after: None };
    server.inject_when(Matcher::any().nth(2), Fault::CloseAfter(50_000));
    server.inject_when(Matcher::any().from(3), denied);
    let arguments = ["slow", "pattern.bin", "download.bin", "."];
    let output = program(&left.fixture, left.fixture.dir(), arguments).output().expect("run");
    assert!(!output.status.success(), "it was to be interrupted");
    server.clear_faults();
    // Only the object's checksum could show that the SDK's parts are of another generation.
    let client = left.fixture.client_with(|options| options.verify_crc = false);
    let request = DownloadRequest::new("slow", "pattern.bin")
        .file_path(left.path("download.bin"))
        .checkpoint_dir(left.fixture.dir());
    client.download(&request).expect("download");
    assert!(fs::read(left.path("download.bin")).expect("read") == left.object, "a wrong file");
}
