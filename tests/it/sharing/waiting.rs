//! A run that finds another process at work waits for it. The test holds the lock that the other process would hold.

use std::fs;
use std::time::{Duration, Instant};

use oss_resumable::{ErrorKind, EventKind, EventQueue, Overwrite, Phase};

use super::{
    A_WHILE, assert_in_time, assert_nothing_fetched, bytes_sent, cancel, end, events, methods,
    occupy, start, until, until_queued, waiting,
};
use crate::fixture::{BUCKET, Fixture, KEY, MIB};

const SIZE: u64 = MIB;

#[test]
fn it_waits_without_a_request_and_starts_when_the_files_are_free() {
    let fixture = Fixture::new(SIZE);
    let occupied = occupy(&fixture);
    let download = start(&fixture.client(), &waiting(&fixture));
    until_queued(&download);
    assert!(download.wait(Some(A_WHILE)).is_none(), "it waits");
    assert!(fixture.server.requests().is_empty());
    assert_eq!(download.status().queue_position, None);
    drop(occupied);
    fixture.assert_whole(&end(&download).expect("download"));
}

#[test]
fn the_default_is_busy_at_once() {
    let fixture = Fixture::new(SIZE);
    let _occupied = occupy(&fixture);
    let error = fixture.client().download(&fixture.request()).expect_err("busy");
    assert_eq!((error.kind(), error.path()), (ErrorKind::Busy, Some(&*fixture.temp())));
    assert!(fixture.server.requests().is_empty());
}

#[test]
fn waiting_is_cancelled_within_100_ms() {
    let fixture = Fixture::new(SIZE);
    let _occupied = occupy(&fixture);
    let client = fixture.client();
    assert_in_time(|| {
        let download = start(&client, &waiting(&fixture));
        until_queued(&download);
        cancel(&download)
    });
}

#[test]
fn a_deadline_passes_while_it_waits_and_the_error_says_for_what() {
    let fixture = Fixture::new(SIZE);
    let _occupied = occupy(&fixture);
    let mut request = waiting(&fixture);
    request.deadline = Some(Duration::from_millis(400));
    let begun = Instant::now();
    let error = fixture.client().download(&request).expect_err("late");
    assert_eq!(error.code(), "DeadlineExceeded");
    let path = fixture.temp();
    let what = format!("it waited for another run, which uses '{}'", path.display());
    assert!(error.message().contains(&what), "{error}");
    assert!(begun.elapsed() >= Duration::from_millis(400));
}

#[test]
fn a_paused_one_waits_on_when_it_is_resumed_and_its_events_come_in_order() {
    let fixture = Fixture::new(SIZE);
    let occupied = occupy(&fixture);
    let queue = EventQueue::new().expect("queue");
    let download = start(&fixture.client(), &waiting(&fixture).event_queue(&queue, 7));
    until_queued(&download);
    download.pause();
    until("it is paused", || download.status().phase == Phase::Paused);
    drop(occupied);
    assert!(download.wait(Some(A_WHILE)).is_none(), "it is paused");
    assert!(fixture.server.requests().is_empty());
    download.resume();
    fixture.assert_whole(&end(&download).expect("download"));
    let kinds: Vec<_> = events(&queue, 1).into_iter().map(|(_, kind)| kind).collect();
    let expected = [EventKind::Started, EventKind::Paused, EventKind::Ended(Ok(()))];
    assert_eq!(kinds, expected);
}

/// The other run finishes: its file is renamed to the target, and its lock is released.
fn finish(fixture: &Fixture, occupied: fs::File, bytes: Vec<u8>) {
    fs::write(fixture.temp(), bytes).expect("write");
    fs::rename(fixture.temp(), fixture.target()).expect("rename");
    drop(occupied);
}

fn object(fixture: &Fixture) -> Vec<u8> {
    fixture.server.object_bytes(BUCKET, KEY, 0..SIZE).expect("object")
}

#[test]
fn the_finished_file_of_the_other_run_costs_a_head_and_is_not_fetched() {
    let fixture = Fixture::new(SIZE);
    // There is a file already, which would not be compared.
    fs::write(fixture.target(), "old").expect("write");
    let occupied = occupy(&fixture);
    let download = start(&fixture.client(), &waiting(&fixture));
    until_queued(&download);
    finish(&fixture, occupied, object(&fixture));
    assert_nothing_fetched(&fixture, &end(&download).expect("download"));
    assert_eq!(methods(&fixture), ["HEAD"]);
}

#[test]
fn a_wrong_file_of_the_other_run_is_replaced() {
    let fixture = Fixture::new(SIZE);
    let occupied = occupy(&fixture);
    let download = start(&fixture.client(), &waiting(&fixture));
    until_queued(&download);
    let mut bytes = object(&fixture);
    bytes[77] ^= 1;
    finish(&fixture, occupied, bytes);
    fixture.assert_whole(&end(&download).expect("download"));
    assert_eq!(bytes_sent(&fixture), SIZE);
}

#[test]
fn a_file_that_was_there_before_is_replaced_without_a_comparison() {
    let fixture = Fixture::new(SIZE);
    fs::write(fixture.target(), object(&fixture)).expect("write");
    fixture.assert_saved_by(&fixture.client(), &waiting(&fixture));
    assert!(methods(&fixture).iter().all(|method| method == "GET"));
}

#[test]
fn with_fail_if_exists_the_finished_file_of_the_other_run_is_an_error() {
    let fixture = Fixture::new(SIZE);
    let occupied = occupy(&fixture);
    let mut request = waiting(&fixture);
    request.overwrite = Overwrite::Fail;
    let download = start(&fixture.client(), &request);
    until_queued(&download);
    finish(&fixture, occupied, object(&fixture));
    assert_eq!(end(&download).expect_err("it exists").code(), "FileAlreadyExists");
    assert_eq!(fixture.files(), ["file.bin"]);
}

#[test]
fn nothing_is_left_of_one_that_fails_at_its_first_request() {
    let fixture = Fixture::new(SIZE);
    fixture.server.remove(BUCKET, KEY);
    let error = fixture.client().download(&waiting(&fixture)).expect_err("gone");
    assert_eq!(error.code(), "NoSuchKey");
    assert!(fixture.files().is_empty(), "{:?}", fixture.files());
}
