//! Encrypted objects over several connections, broken, resumed, damaged.

use std::ops::Range;
use std::sync::Arc;

use local_oss::{Fault, Matcher};
use oss_resumable::{ByteRange, Client, ErrorKind, LogLevel, Proof};
use parking_lot::Mutex;

use super::{
    assert_no_key, assert_plain, client, fixture, metadata, object, plain, private_key, with_key,
};
use crate::fixture::{BUCKET, Fixture, KEY, MIB, PART, wait_for_progress};

const SIZE: u64 = 3 * MIB + 12_345;

/// Slow enough to be stopped on the way, over connections that break at odd places.
fn slowed(fixture: &Fixture) {
    fixture.server.inject(Fault::CloseAfter(123_457));
    fixture.server.inject(Fault::RateLimit(MIB));
}

/// Downloads some of it and stops.
fn stop_on_the_way(fixture: &Fixture, client: &Client, range: Option<ByteRange>) {
    slowed(fixture);
    let request = fixture.request_with(|request| request.range = range);
    let download = client.start(&request).expect("start");
    wait_for_progress(&download, 8 * PART);
    download.cancel();
    let error = download.wait(None).expect("no limit").expect_err("cancelled");
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
    fixture.server.clear_faults();
}

#[test]
fn an_encrypted_object_comes_over_many_breaking_connections_as_plain_text() {
    for thread_num in [1, 3, 16] {
        let fixture = fixture(SIZE);
        fixture.server.inject(Fault::CloseAfter(123_457));
        let request = fixture.request_with(|request| request.thread_num = thread_num);
        let outcome = client(&fixture).download(&request).expect("download");
        assert_plain(&fixture, SIZE, 0..SIZE);
        assert_eq!(outcome.proof, Proof::ObjectCrc);
        assert_eq!(Some(outcome.crc64), outcome.object_crc64);
        assert_eq!(outcome.statistics.bytes_from_network, SIZE);
    }
}

#[test]
fn work_taken_from_a_slow_connection_is_decrypted_where_it_goes_on() {
    let fixture = fixture(8 * MIB);
    fixture.server.inject(Fault::RateLimit(4 * MIB));
    fixture.server.inject_when(Matcher::any().nth(2), Fault::RateLimit(200_000));
    let outcome = client(&fixture).download(&fixture.request()).expect("download");
    assert_plain(&fixture, 8 * MIB, 0..8 * MIB);
    assert!(outcome.statistics.requests > 4, "{:?}", outcome.statistics);
}

#[test]
fn a_stopped_download_goes_on_at_its_bytes_and_the_key_is_nowhere() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let fixture = fixture(SIZE);
    let sink = lines.clone();
    let client = fixture.client_with(|options| {
        with_key(options);
        options.log_level = LogLevel::Debug;
        options.log = Some(Arc::new(move |_, line: &str| sink.lock().push(line.to_owned())));
    });
    stop_on_the_way(&fixture, &client, None);
    let journal = std::fs::read(fixture.journal().expect("a checkpoint")).expect("read");
    assert_no_key("the checkpoint", &journal);
    let info = format!("{:?}", client.inspect_checkpoint(&fixture.request()));
    assert_no_key("what is told of the checkpoint", info.as_bytes());

    let outcome = client.download(&fixture.request()).expect("resume");
    assert_plain(&fixture, SIZE, 0..SIZE);
    assert!(outcome.statistics.bytes_reused >= 7 * PART, "{:?}", outcome.statistics);
    assert_eq!(outcome.statistics.bytes_reused + outcome.statistics.bytes_from_network, SIZE);
    assert_no_key("the outcome", format!("{outcome:?}").as_bytes());
    let lines = lines.lock();
    assert!(lines.iter().any(|line| line.contains("decrypting")));
    lines.iter().for_each(|line| assert_no_key("the log", line.as_bytes()));
}

#[test]
fn a_stopped_range_goes_on_at_its_bytes() {
    let (start, end) = (100_003, SIZE - 77);
    let fixture = fixture(SIZE);
    let range = Some(ByteRange { start: start as i64, end: end as i64 });
    stop_on_the_way(&fixture, &client(&fixture), range);
    let request = fixture.request_with(|request| request.range = range);
    let outcome = client(&fixture).download(&request).expect("resume");
    assert_plain(&fixture, SIZE, start..end + 1);
    assert!(outcome.statistics.bytes_reused >= 7 * PART);
    assert_eq!(outcome.proof, Proof::Generation);
}

#[test]
fn a_download_of_which_everything_came_is_proven_with_its_key() {
    let fixture = fixture(SIZE);
    slowed(&fixture);
    let download = client(&fixture).start(&fixture.request()).expect("start");
    wait_for_progress(&download, 8 * PART);
    std::fs::create_dir(fixture.target()).expect("a directory in the way of the rename");
    let error = download.wait(None).expect("no limit").expect_err("cannot be renamed");
    assert_eq!(error.code(), "RenameError");
    std::fs::remove_dir(fixture.target()).expect("remove");
    fixture.server.clear_faults();
    let outcome = client(&fixture).download(&fixture.request()).expect("download");
    assert_plain(&fixture, SIZE, 0..SIZE);
    assert_eq!(outcome.statistics.bytes_from_network, 0);
    assert_eq!(outcome.proof, Proof::ObjectCrc);
}

#[test]
fn bytes_that_the_disk_changed_are_fetched_again() {
    let fixture = fixture(SIZE);
    stop_on_the_way(&fixture, &client(&fixture), None);
    let mut bytes = std::fs::read(fixture.temp()).expect("read");
    bytes[17] ^= 4;
    std::fs::write(fixture.temp(), bytes).expect("write");
    let outcome = client(&fixture).download(&fixture.request()).expect("resume");
    assert_plain(&fixture, SIZE, 0..SIZE);
    assert!(outcome.statistics.bytes_discarded > 0);
    assert!(outcome.statistics.bytes_reused > 0);
}

#[test]
fn the_file_is_read_back_before_the_rename_when_that_is_asked_for() {
    let fixture = fixture(SIZE);
    let request = fixture.request_with(|request| request.verify_before_rename = true);
    let outcome = client(&fixture).download(&request).expect("download");
    assert_plain(&fixture, SIZE, 0..SIZE);
    assert_eq!(outcome.statistics.bytes_discarded, 0);
}

#[test]
fn bytes_that_the_network_changed_are_noticed() {
    let fixture = fixture(SIZE);
    fixture.server.inject_when(Matcher::any().times(1), Fault::FlipByte(5));
    let outcome = client(&fixture).download(&fixture.request()).expect("healed");
    assert_plain(&fixture, SIZE, 0..SIZE);
    assert_eq!(outcome.proof, Proof::ObjectCrc);
    assert!(outcome.statistics.bytes_discarded >= SIZE, "everything is fetched once more");
}

/// What an earlier run stored, as it came or decrypted, is never taken for the other.
fn assert_not_mixed(first_as_stored: bool, range: Option<Range<u64>>) {
    let fixture = fixture(SIZE);
    let range_asked =
        range.clone().map(|r| ByteRange { start: r.start as i64, end: r.end as i64 - 1 });
    let request = |as_stored: bool| {
        fixture.request_with(|request| {
            request.allow_encrypted = as_stored;
            request.range = range_asked;
        })
    };
    slowed(&fixture);
    let download = client(&fixture).start(&request(first_as_stored)).expect("start");
    wait_for_progress(&download, 8 * PART);
    download.cancel();
    download.wait(None).expect("no limit").expect_err("cancelled");
    fixture.server.clear_faults();

    let outcome = client(&fixture).download(&request(!first_as_stored)).expect("download");
    let range = range.unwrap_or(0..SIZE);
    assert_eq!(outcome.statistics.bytes_reused, 0);
    if first_as_stored {
        assert_plain(&fixture, SIZE, range);
    } else {
        fixture.assert_range(range);
    }
}

#[test]
fn bytes_as_stored_and_decrypted_ones_are_not_mixed() {
    for first_as_stored in [true, false] {
        assert_not_mixed(first_as_stored, None);
        assert_not_mixed(first_as_stored, Some(1000..SIZE - 1000));
    }
}

#[test]
fn bytes_decrypted_with_another_key_are_not_kept() {
    let range = Some(ByteRange { start: 100, end: SIZE as i64 - 100 });
    let fixture = fixture(SIZE);
    stop_on_the_way(&fixture, &client(&fixture), range);
    // The same bytes under the same ETag, with the metadata of another key.
    let etag = fixture.server.object(BUCKET, KEY).expect("object").etag().to_owned();
    let other = [9; 32];
    let mut metadata = metadata();
    metadata[0].1 = super::wrapped(&other);
    fixture.server.put(BUCKET, KEY, object(SIZE, &metadata).etag(etag));
    let request = fixture.request_with(|request| request.range = range);
    let outcome = client(&fixture).download(&request).expect("download");
    assert_eq!(outcome.statistics.bytes_reused, 0);
    let stored = fixture.server.object_bytes(BUCKET, KEY, 0..SIZE).expect("object");
    let cipher = openssl::symm::Cipher::aes_256_ctr();
    let expected = openssl::symm::decrypt(cipher, &other, Some(&super::IV), &stored).expect("run");
    let found = std::fs::read(fixture.target()).expect("target");
    assert!(found == expected[100..=SIZE as usize - 100]);
}

#[test]
fn an_object_saved_as_it_is_stored_needs_no_key_and_goes_on_where_it_stopped() {
    let fixture = fixture(SIZE);
    let request = fixture.request_with(|request| request.allow_encrypted = true);
    slowed(&fixture);
    let download = fixture.client().start(&request).expect("start");
    wait_for_progress(&download, 8 * PART);
    download.cancel();
    download.wait(None).expect("no limit").expect_err("cancelled");
    fixture.server.clear_faults();
    let outcome = fixture.client().download(&request).expect("resume");
    fixture.assert_whole(&outcome);
    assert!(outcome.statistics.bytes_reused > 0);
}

#[test]
fn a_key_costs_objects_that_are_not_encrypted_nothing() {
    let fixture = Fixture::new(SIZE);
    let outcome = client(&fixture).download(&fixture.request()).expect("download");
    fixture.assert_whole(&outcome);
    assert_eq!(std::fs::read(fixture.target()).expect("target"), plain(SIZE));
    assert_no_key("the options", format!("{:?}", fixture.options()).as_bytes());
    assert!(private_key("first").len() > 1000);
}

#[test]
fn an_empty_encrypted_object_is_an_empty_file() {
    let fixture = fixture(0);
    client(&fixture).download(&fixture.request()).expect("download");
    assert_plain(&fixture, 0, 0..0);
}
