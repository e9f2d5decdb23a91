//! Several runs with one file: an existing file that is right already, and runs that wait for each other.

use std::fs::File;
use std::time::{Duration, Instant};

use oss_resumable::{
    Client, Download, DownloadRequest, Error, EventKind, EventQueue, Outcome, Overwrite, Phase,
    WhenBusy,
};

use crate::fixture::Fixture;
use crate::traffic::{sent, total};

mod existing;
mod processes;
mod queued;
mod waiting;

/// Longest time from a cancel to the end.
const CANCELLED_WITHIN: Duration = Duration::from_millis(100);
/// Long enough to notice something that should not happen.
const A_WHILE: Duration = Duration::from_millis(300);

/// [`Fixture::request`] that waits for another run.
fn waiting(fixture: &Fixture) -> DownloadRequest {
    fixture.request_with(|request| request.when_busy = WhenBusy::Wait)
}

/// [`Fixture::request`] that compares an existing file.
fn if_different(fixture: &Fixture) -> DownloadRequest {
    fixture.request_with(|request| request.overwrite = Overwrite::IfDifferent)
}

/// Locks the temporary file, as a run of another process does.
fn occupy(fixture: &Fixture) -> File {
    let file = File::create(fixture.temp()).expect("the temporary file");
    file.lock().expect("lock");
    file
}

/// Body bytes of the object that the server has sent, those included that were sent twice.
fn bytes_sent(fixture: &Fixture) -> u64 {
    let sent: Vec<_> = fixture
        .requests_after(0)
        .iter()
        .filter(|request| request.method == "GET")
        .map(sent)
        .collect();
    total(&sent)
}

/// The methods of all requests, in their order.
fn methods(fixture: &Fixture) -> Vec<String> {
    fixture.requests_after(0).into_iter().map(|request| request.method).collect()
}

fn start(client: &Client, request: &DownloadRequest) -> Download {
    client.start(request).expect("start")
}

#[track_caller]
fn end(download: &Download) -> Result<Outcome, Error> {
    download.wait(Some(Duration::from_secs(60))).expect("an end")
}

#[track_caller]
fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let give_up_at = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < give_up_at, "never: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[track_caller]
fn until_queued(download: &Download) {
    until("it waits", || download.status().phase == Phase::Queued);
}

/// The tags and kinds of events, without progress, until so many downloads have ended.
fn events(queue: &EventQueue, ends: usize) -> Vec<(u64, EventKind)> {
    let (mut events, mut ended) = (Vec::new(), 0);
    while ended < ends {
        let event = queue.next(Some(Duration::from_secs(60))).expect("open").expect("an event");
        ended += usize::from(matches!(event.kind, EventKind::Ended(_)));
        events.extend((event.kind != EventKind::Progress).then_some((event.tag, event.kind)));
    }
    events
}

/// Cancels; returns how long it took until the end.
#[track_caller]
fn cancel(download: &Download) -> Duration {
    let asked = Instant::now();
    download.cancel();
    assert_eq!(end(download).expect_err("cancelled").code(), "Cancelled");
    asked.elapsed()
}

/// Asserts that the shortest of some times is short enough: single ones may be long on a busy machine.
#[track_caller]
fn assert_in_time(mut measure: impl FnMut() -> Duration) {
    let took: Vec<_> = (0..20).map(|_| measure()).collect();
    println!("{took:?}");
    assert!(took.iter().any(|took| *took <= CANCELLED_WITHIN), "{took:?}");
}

/// Asserts that an outcome is that of an existing file, and that nothing was sent but heads.
#[track_caller]
fn assert_nothing_fetched(fixture: &Fixture, outcome: &Outcome) {
    fixture.assert_whole(outcome);
    let figures = &outcome.statistics;
    assert_eq!((figures.bytes_from_network, figures.bytes_discarded), (0, 0));
    assert_eq!(figures.bytes_reused, outcome.file_size);
    assert_eq!(outcome.proof, oss_resumable::Proof::ObjectCrc);
}
