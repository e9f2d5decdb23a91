//! `IfDifferent`: a file that is right already is not fetched again.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::{Duration, SystemTime};

use local_oss::{Config, Fault, Matcher, Object};
use oss_resumable::{Checkpoint, EventKind, EventQueue, Phase, Proof, Sha256};

use super::{
    assert_in_time, assert_nothing_fetched, bytes_sent, cancel, end, events, if_different, methods,
    start, until,
};
use crate::encryption;
use crate::fixture::{BUCKET, Fixture, KEY, MIB, wait_for_progress};

const SIZE: u64 = 3 * MIB + 7;

/// A fixture whose object is in the target already.
fn saved() -> Fixture {
    let fixture = Fixture::new(SIZE);
    save(&fixture);
    fixture
}

fn save(fixture: &Fixture) {
    let size = fixture.server.object(BUCKET, KEY).expect("object").size();
    let bytes = fixture.server.object_bytes(BUCKET, KEY, 0..size).expect("object");
    fs::write(fixture.target(), bytes).expect("write");
}

/// Changes one byte of the target.
fn spoil(fixture: &Fixture) {
    let mut bytes = fs::read(fixture.target()).expect("target");
    bytes[SIZE as usize / 2] ^= 1;
    fs::write(fixture.target(), bytes).expect("write");
}

#[test]
fn a_file_with_the_objects_checksum_is_success_without_a_byte_fetched() {
    let fixture = saved();
    let before = fs::metadata(fixture.target()).expect("target");
    let outcome = fixture.client().download(&if_different(&fixture)).expect("download");
    assert_nothing_fetched(&fixture, &outcome);
    assert_eq!(methods(&fixture), ["HEAD"]);
    assert_eq!(outcome.object_crc64, Some(outcome.crc64));
    assert_eq!((outcome.object_size, outcome.statistics.requests), (SIZE, 1));
    let after = fs::metadata(fixture.target()).expect("target");
    assert_eq!((before.ino(), before.ctime_nsec()), (after.ino(), after.ctime_nsec()));
}

#[test]
fn a_file_with_the_expected_digest_needs_no_checksum_of_the_service() {
    let fixture = saved();
    fixture.server.inject(Fault::Header { name: "x-oss-hash-crc64ecma".into(), value: None });
    let bytes = fs::read(fixture.target()).expect("target");
    let mut request = if_different(&fixture);
    request.expected_sha256 = Some(Sha256(openssl::sha::sha256(&bytes)));
    let outcome = fixture.client().download(&request).expect("download");
    assert_eq!((outcome.proof, outcome.object_crc64), (Proof::ExpectedDigest, None));
    assert_eq!((bytes_sent(&fixture), outcome.statistics.bytes_reused), (0, SIZE));

    spoil(&fixture);
    let outcome = fixture.client().download(&request).expect("download");
    assert_eq!((outcome.proof, bytes_sent(&fixture)), (Proof::ExpectedDigest, SIZE));
    assert_eq!(fs::read(fixture.target()).expect("target"), bytes);
}

#[test]
fn the_object_is_not_accepted_without_the_expected_digest() {
    let fixture = saved();
    let mut request = if_different(&fixture);
    request.expected_sha256 = Some(Sha256([7; 32]));
    let error = fixture.client().download(&request).expect_err("another digest");
    assert_eq!(error.code(), "DigestMismatch");
}

#[test]
fn its_status_at_the_end_is_that_of_a_complete_file() {
    let fixture = saved();
    let download = start(&fixture.client(), &if_different(&fixture));
    end(&download).expect("download");
    let status = download.status();
    assert_eq!(
        (status.phase, status.bytes_done, status.bytes_total),
        (Phase::Succeeded, SIZE, Some(SIZE))
    );
    assert_eq!((status.contiguous_bytes, status.temp_path), (SIZE, None));
}

#[test]
fn without_a_file_no_head_is_sent() {
    let fixture = Fixture::new(SIZE);
    fixture.assert_saved_by(&fixture.client(), &if_different(&fixture));
    assert!(methods(&fixture).iter().all(|method| method == "GET"));
}

#[test]
fn a_file_of_the_same_size_with_another_byte_is_replaced() {
    let fixture = saved();
    spoil(&fixture);
    let outcome = fixture.client().download(&if_different(&fixture)).expect("download");
    fixture.assert_whole(&outcome);
    assert_eq!(outcome.statistics.bytes_reused, 0);
    assert_eq!(bytes_sent(&fixture), SIZE);
    assert_eq!(methods(&fixture)[0], "HEAD");
}

#[test]
fn a_file_of_another_size_is_not_read() {
    let fixture = saved();
    fs::write(fixture.target(), "another file").expect("write");
    let file = fs::File::open(fixture.target()).expect("open");
    let before = last_read(&file);
    let outcome = fixture.client().download(&if_different(&fixture)).expect("download");
    fixture.assert_whole(&outcome);
    assert_eq!(outcome.statistics.bytes_from_network, SIZE);
    assert_eq!(last_read(&file), before);
}

/// When the file was last read. After a write, the next read is noted even on file systems that note few of them.
fn last_read(file: &fs::File) -> (i64, i64) {
    let found = file.metadata().expect("metadata");
    (found.atime(), found.atime_nsec())
}

#[test]
fn a_replaced_object_is_downloaded() {
    let fixture = saved();
    fixture.server.replace(BUCKET, KEY);
    let outcome = fixture.client().download(&if_different(&fixture)).expect("download");
    fixture.assert_whole(&outcome);
    assert_eq!(outcome.statistics.bytes_from_network, SIZE);
}

#[test]
fn an_empty_file_of_an_empty_object_is_right() {
    let fixture = Fixture::new(0);
    save(&fixture);
    let outcome = fixture.client().download(&if_different(&fixture)).expect("download");
    assert_nothing_fetched(&fixture, &outcome);
}

#[test]
fn an_object_without_a_checksum_is_downloaded() {
    let fixture = Fixture::with(Config::default(), Object::pattern(SIZE, 7).without_crc64());
    save(&fixture);
    let outcome = fixture.client().download(&if_different(&fixture)).expect("download");
    fixture.assert_whole(&outcome);
    assert_eq!((outcome.proof, outcome.statistics.bytes_from_network), (Proof::Generation, SIZE));
}

#[test]
fn a_range_is_downloaded_without_a_comparison() {
    let fixture = saved();
    let request = if_different(&fixture).range(0, SIZE as i64 - 1);
    let outcome = fixture.client().download(&request).expect("download");
    fixture.assert_whole(&outcome);
    assert!(methods(&fixture).iter().all(|method| method == "GET"));
}

#[test]
fn the_comparison_does_not_depend_on_verify_crc() {
    let fixture = saved();
    let client = fixture.client_with(|options| options.verify_crc = false);
    let outcome = client.download(&if_different(&fixture)).expect("download");
    assert_nothing_fetched(&fixture, &outcome);
}

#[test]
fn the_conditions_of_the_request_still_apply() {
    let fixture = saved();
    let mut request = if_different(&fixture);
    request.if_match = vec!["another".to_owned()];
    let error = fixture.client().download(&request).expect_err("the condition fails");
    assert_eq!(error.status(), 412);
    let etag = fixture.server.object(BUCKET, KEY).expect("object").etag().to_owned();
    request.if_match.clear();
    request.if_none_match = vec![etag];
    let error = fixture.client().download(&request).expect_err("it is not modified");
    assert_eq!(error.status(), 304);
    assert_eq!(bytes_sent(&fixture), 0);
}

#[test]
fn where_head_is_not_allowed_the_object_is_downloaded() {
    for status in [403, 405, 501] {
        let fixture = saved();
        let fault = Fault::Status { status, code: "NotAllowed".to_owned(), retry_after: None };
        fixture.server.inject_when(Matcher::any().method("HEAD"), fault);
        let outcome = fixture.client().download(&if_different(&fixture)).expect("download");
        fixture.assert_whole(&outcome);
        assert_eq!(outcome.statistics.bytes_from_network, SIZE);
    }
}

#[test]
fn an_object_that_is_gone_is_told_with_the_words_of_the_service() {
    let fixture = saved();
    fixture.server.remove(BUCKET, KEY);
    let error = fixture.client().download(&if_different(&fixture)).expect_err("gone");
    assert_eq!((error.code(), error.status()), ("NoSuchKey", 404));
    assert_eq!(fixture.files(), ["file.bin"]);
}

#[test]
fn nothing_of_an_earlier_run_is_left_when_the_file_is_right() {
    let fixture = Fixture::new(SIZE);
    let client = fixture.client();
    fixture.server.inject(Fault::RateLimit(MIB));
    let download = start(&client, &fixture.request());
    wait_for_progress(&download, MIB);
    cancel(&download);
    assert!(fixture.temp().exists() && fixture.journal().is_some());
    fixture.server.clear_faults();
    save(&fixture);
    let outcome = client.download(&if_different(&fixture)).expect("download");
    // This includes that no other file is there.
    assert_nothing_fetched(&fixture, &outcome);
}

#[test]
fn an_earlier_run_is_continued_when_the_file_is_not_right() {
    let fixture = Fixture::new(SIZE);
    let client = fixture.client();
    fixture.server.inject(Fault::RateLimit(MIB));
    let download = start(&client, &fixture.request());
    wait_for_progress(&download, MIB);
    cancel(&download);
    fixture.server.clear_faults();
    save(&fixture);
    spoil(&fixture);
    let outcome = client.download(&if_different(&fixture)).expect("download");
    fixture.assert_whole(&outcome);
    let figures = outcome.statistics;
    assert!(figures.bytes_reused > 0, "{figures:?}");
    assert_eq!(figures.bytes_from_network + figures.bytes_reused, SIZE);
}

#[test]
fn the_file_gets_the_objects_time_if_that_is_wanted() {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_500_000_000);
    let fixture = Fixture::with(Config::default(), Object::pattern(SIZE, 7).last_modified(time));
    save(&fixture);
    let mut request = if_different(&fixture);
    request.set_modified_time = true;
    let outcome = fixture.client().download(&request).expect("download");
    assert_nothing_fetched(&fixture, &outcome);
    assert_eq!(fs::metadata(fixture.target()).expect("target").modified().expect("time"), time);
}

#[test]
fn a_file_behind_a_link_is_compared_and_the_link_stays() {
    let fixture = saved();
    let link = fixture.dir().join("link");
    std::os::unix::fs::symlink("file.bin", &link).expect("link");
    let outcome =
        fixture.client().download(&if_different(&fixture).file_path(&link)).expect("download");
    assert_eq!((outcome.file_path, outcome.statistics.bytes_reused), (fixture.target(), SIZE));
    assert!(link.is_symlink());
    assert_eq!(methods(&fixture), ["HEAD"]);
}

#[test]
fn a_file_that_cannot_be_read_is_replaced() {
    // The superuser may read everything.
    if is_superuser() {
        return;
    }
    let fixture = saved();
    fs::set_permissions(fixture.target(), fs::Permissions::from_mode(0o200)).expect("chmod");
    let outcome = fixture.client().download(&if_different(&fixture)).expect("download");
    assert_eq!(outcome.statistics.bytes_from_network, SIZE);
}

fn is_superuser() -> bool {
    fs::metadata("/proc/self").expect("this process").uid() == 0
}

#[test]
fn the_plain_text_of_an_encrypted_object_is_compared() {
    let fixture = encryption::fixture(SIZE);
    let client = fixture.client_with(encryption::with_key);
    let first = client.download(&fixture.request()).expect("download");
    let sent = bytes_sent(&fixture);
    let again = client.download(&if_different(&fixture)).expect("download");
    assert_eq!((again.statistics.bytes_reused, again.crc64), (SIZE, first.crc64));
    assert_eq!(bytes_sent(&fixture), sent);
    encryption::assert_plain(&fixture, SIZE, 0..SIZE);
    // As it is stored it would be another file.
    let mut request = if_different(&fixture);
    request.allow_encrypted = true;
    let stored = client.download(&request).expect("download");
    assert_eq!(stored.statistics.bytes_from_network, SIZE);
}

/// A file in which reading takes long.
fn large() -> Fixture {
    let fixture = Fixture::new(1024 * MIB);
    let crc = fixture.server.object(BUCKET, KEY).expect("object").crc64();
    assert_ne!(crc, 0, "computed before the time is measured");
    // A hole: of the right size, and not the object.
    fs::File::create(fixture.target()).expect("create").set_len(1024 * MIB).expect("a hole");
    fixture
}

#[test]
fn reading_can_be_cancelled_and_is_seen_as_verifying() {
    let fixture = large();
    let client = fixture.client();
    assert_in_time(|| {
        let download = start(&client, &if_different(&fixture));
        wait_for_progress(&download, 8 * MIB);
        let status = download.status();
        assert_eq!((status.phase, status.bytes_total), (Phase::Transferring, Some(1024 * MIB)));
        assert_eq!(status.statistics.bytes_from_network, 0);
        cancel(&download)
    });
    assert_eq!(fixture.files(), ["file.bin"]);
}

#[test]
fn reading_can_be_paused() {
    let fixture = large();
    let queue = EventQueue::new().expect("queue");
    let download = start(&fixture.client(), &if_different(&fixture).event_queue(&queue, 1));
    wait_for_progress(&download, 8 * MIB);
    download.pause();
    until("it is paused", || download.status().phase == Phase::Paused);
    let read = download.status().bytes_done;
    std::thread::sleep(super::A_WHILE);
    assert_eq!(download.status().bytes_done, read);
    download.resume();
    wait_for_progress(&download, read + MIB);
    cancel(&download);
    let kinds: Vec<_> = events(&queue, 1).into_iter().map(|(_, kind)| kind).collect();
    assert_eq!(kinds[..2], [EventKind::Started, EventKind::Paused]);
}

#[test]
fn a_download_without_a_checkpoint_compares_too() {
    let fixture = saved();
    let mut request = if_different(&fixture);
    request.checkpoint = Checkpoint::Off;
    let outcome = fixture.client().download(&request).expect("download");
    assert_nothing_fetched(&fixture, &outcome);
}
