//! Downloads are paused, resumed and cancelled, in every state.

use std::time::{Duration, Instant};

use oss_resumable::{Client, Download, ErrorKind, Phase};

use crate::fixture::{Fixture, wait_for_progress};

mod cancelling;
mod child;
mod clients;
mod pausing;
mod states;
mod whole;

/// Longest time from a pause until its connections are closed.
const CLOSED_WITHIN: Duration = Duration::from_secs(1);
/// Longest time from a cancel to the end.
const CANCELLED_WITHIN: Duration = Duration::from_millis(100);
/// Long enough to notice something that should not happen.
const A_WHILE: Duration = Duration::from_millis(300);

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Waits until `condition` holds.
#[track_caller]
fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let give_up_at = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < give_up_at, "{what}: not in 30 s");
        std::thread::sleep(millis(1));
    }
}

/// Pauses a download; returns how long it took until its connections were closed.
#[track_caller]
fn pause(fixture: &Fixture, download: &Download) -> Duration {
    let asked = Instant::now();
    download.pause();
    wait_until("paused", || download.status().phase == Phase::Paused);
    wait_until("closed", || fixture.server.active_connections() == 0);
    let took = asked.elapsed();
    assert_eq!(download.status().active_connections, 0);
    took
}

/// Starts a download and pauses it when it has this many bytes.
#[track_caller]
fn start_and_pause(fixture: &Fixture, client: &Client, bytes: u64) -> Download {
    let download = client.start(&fixture.request()).expect("start");
    wait_for_progress(&download, bytes);
    pause(fixture, &download);
    download
}

/// Asserts that a paused download stays as it is for a while.
#[track_caller]
fn assert_quiet(fixture: &Fixture, download: &Download) {
    let requests = fixture.server.requests().len();
    let before = download.status();
    assert!(download.wait(Some(A_WHILE)).is_none(), "it has ended");
    let after = download.status();
    assert_eq!(after.phase, Phase::Paused);
    assert_eq!((before.bytes_done, before.bytes_total), (after.bytes_done, after.bytes_total));
    assert_eq!(fixture.server.requests().len(), requests);
    assert_eq!(fixture.server.active_connections(), 0);
}

/// Waits for the right end of a download whose bytes each came from the network once, but for `reused` ones.
#[track_caller]
fn assert_ends_well(fixture: &Fixture, download: &Download, reused: u64) {
    let outcome = download.wait(Some(Duration::from_secs(60))).expect("it ends");
    let outcome = outcome.expect("download");
    fixture.assert_whole(&outcome);
    let figures = &outcome.statistics;
    let kept = figures.bytes_from_network - figures.bytes_discarded;
    assert_eq!((kept + reused, figures.bytes_reused), (outcome.file_size, reused), "{figures:?}");
}

/// Cancels a download; returns how long that took.
#[track_caller]
fn cancel(download: &Download) -> Duration {
    let asked = Instant::now();
    download.cancel();
    let ended = download.wait(Some(Duration::from_secs(30))).expect("it ends");
    let took = asked.elapsed();
    assert_eq!(ended.expect_err("cancelled").kind(), ErrorKind::Cancelled);
    took
}

/// Asserts that something takes no longer than promised. A busy machine may be slow once or twice.
#[track_caller]
fn assert_within(limit: Duration, attempt: impl Fn() -> Duration) {
    let mut slow = Vec::new();
    for _ in 0..3 {
        let took = attempt();
        if took <= limit {
            return;
        }
        slow.push(took);
    }
    panic!("{slow:?}");
}
