//! Downloads that wait for their turn.

use std::fs::File;
use std::time::Duration;

use local_oss::{Fault, Matcher, Object};
use oss_resumable::{Client, Download, ErrorKind, EventKind, EventQueue, Phase};

use super::{end, request, start, until};
use crate::fixture::{BUCKET, Fixture};

/// The object whose requests get no reply.
const HANGS: &str = "hangs";

/// A client that runs one download at a time, and one that runs and does not end.
fn occupied() -> (Fixture, Client, Download) {
    let fixture = Fixture::new(1);
    for key in [HANGS, "a", "b", "c", "d", "e"] {
        fixture.server.put(BUCKET, key, Object::pattern(1000, 7));
    }
    fixture.server.inject_when(Matcher::any().key(HANGS), Fault::NoReply);
    let client = fixture.client_with(|options| {
        options.max_active_downloads = 1;
        options.idle_timeout = None;
        options.first_byte_limit = None;
    });
    let running = start(&client, &request(&fixture, HANGS));
    until("the first download runs", || !fixture.server.requests().is_empty());
    (fixture, client, running)
}

/// Keys of the requests, in their order, without those that get no reply.
fn requested(fixture: &Fixture) -> Vec<String> {
    let keys = fixture.server.requests().into_iter().map(|request| request.key);
    keys.filter(|key| key != HANGS).collect()
}

fn position(download: &Download) -> (Phase, Option<usize>) {
    let status = download.status();
    (status.phase, status.queue_position)
}

#[test]
fn queued_downloads_start_by_priority_and_then_in_the_order_of_their_calls() {
    let (fixture, client, running) = occupied();
    let queued = [("a", 0), ("b", -1), ("c", 5), ("d", 0), ("e", 5)].map(|(key, priority)| {
        let mut request = request(&fixture, key);
        request.priority = priority;
        start(&client, &request)
    });
    let places = queued.each_ref().map(position);
    assert_eq!(places, [3, 5, 1, 4, 2].map(|place| (Phase::Queued, Some(place))));
    assert_eq!(position(&running), (Phase::Starting, None));
    running.cancel();
    for download in &queued {
        end(download).expect("download");
        assert_eq!(position(download), (Phase::Succeeded, None));
    }
    assert_eq!(requested(&fixture), ["c", "e", "a", "d", "b"]);
}

#[test]
fn the_priority_of_a_queued_download_may_change() {
    let (fixture, client, running) = occupied();
    let queued = ["a", "b", "c"].map(|key| start(&client, &request(&fixture, key)));
    queued[2].set_priority(1);
    assert_eq!(queued.each_ref().map(|download| position(download).1), [2, 3, 1].map(Some));
    queued[2].set_priority(0);
    assert_eq!(queued.each_ref().map(|download| position(download).1), [1, 2, 3].map(Some));
    queued[0].set_priority(i32::MIN);
    // It has no effect on one that has started.
    running.set_priority(i32::MIN);
    running.cancel();
    queued.iter().for_each(|download| drop(end(download).expect("download")));
    assert_eq!(requested(&fixture), ["b", "c", "a"]);
}

#[test]
fn a_queued_download_that_is_paused_lets_others_pass_and_returns_to_its_place() {
    let (fixture, client, running) = occupied();
    let queue = EventQueue::new().expect("queue");
    let queued =
        ["a", "b", "c"].map(|key| start(&client, &request(&fixture, key).event_queue(&queue, 0)));
    for _ in 0..2 {
        queued[0].pause();
        assert_eq!(position(&queued[0]), (Phase::Paused, None));
        assert_eq!(position(&queued[1]), (Phase::Queued, Some(1)));
    }
    let event =
        queue.next(Some(Duration::ZERO)).expect("own process").expect("it is reported at once");
    assert_eq!((event.kind, event.status.phase), (EventKind::Paused, Phase::Paused));
    queued[0].resume();
    assert_eq!(position(&queued[0]), (Phase::Queued, Some(1)));

    queued[0].pause();
    queued[0].set_priority(5);
    running.cancel();
    queued[1..].iter().for_each(|download| drop(end(download).expect("download")));
    assert_eq!(position(&queued[0]), (Phase::Paused, None));
    queued[0].resume();
    end(&queued[0]).expect("download");
    assert_eq!(requested(&fixture), ["b", "c", "a"]);
}

#[test]
fn a_paused_client_starts_no_queued_download() {
    let (fixture, client, running) = occupied();
    let queued = ["a", "b"].map(|key| start(&client, &request(&fixture, key)));
    queued[1].pause();
    client.pause().expect("own process");
    let late = start(&client, &request(&fixture, "c"));
    running.cancel();
    end(&running).expect_err("cancelled");
    for download in queued.iter().chain([&late]) {
        assert_eq!(position(download), (Phase::Paused, None));
    }
    client.resume().expect("own process");
    for download in [&queued[0], &late] {
        end(download).expect("download");
    }
    assert_eq!(position(&queued[1]), (Phase::Paused, None), "it was paused by itself");
    queued[1].cancel();
    let error = queued[1].wait(Some(Duration::ZERO)).expect("it has ended").expect_err("cancelled");
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert_eq!(requested(&fixture), ["a", "c"]);
}

#[test]
fn a_queued_download_that_is_cancelled_has_ended_at_once() {
    let (fixture, client, running) = occupied();
    let [first, second] = ["a", "b"].map(|key| start(&client, &request(&fixture, key)));
    first.cancel();
    let error = first.wait(Some(Duration::ZERO)).expect("it has ended").expect_err("cancelled");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Cancelled, "Cancelled"));
    assert_eq!(position(&first), (Phase::Failed, None));
    assert_eq!(position(&second), (Phase::Queued, Some(1)));
    // A dropped handle leaves the queue too.
    drop(second);
    let third = start(&client, &request(&fixture, "c"));
    assert_eq!(position(&third), (Phase::Queued, Some(1)));
    running.cancel();
    end(&third).expect("download");
    assert_eq!(requested(&fixture), ["c"]);
    assert_eq!(fixture.files(), ["c"]);
}

#[test]
fn the_end_of_a_queued_download_is_reported_once_and_without_a_start() {
    let (fixture, client, running) = occupied();
    let queue = EventQueue::new().expect("queue");
    let start_with =
        |key: &str, tag| start(&client, &request(&fixture, key).event_queue(&queue, tag));
    let [cancelled, waits] = [start_with("a", 1), start_with("b", 2)];
    // A refused one reports nothing.
    let twice = request(&fixture, "b").event_queue(&queue, 3);
    assert_eq!(client.start(&twice).map(drop).expect_err("busy").code(), "Busy");
    cancelled.cancel();
    running.cancel();
    end(&waits).expect("download");
    let mut events = Vec::new();
    while events.last() != Some(&(2, EventKind::Ended(Ok(())))) {
        let event = queue.next(None).expect("open").expect("no limit");
        events.extend((event.kind != EventKind::Progress).then_some((event.tag, event.kind)));
    }
    assert!(queue.next(Some(Duration::ZERO)).expect("open").is_none());
    assert_eq!(
        events,
        [
            (1, EventKind::Ended(Err(ErrorKind::Cancelled))),
            (2, EventKind::Started),
            (2, EventKind::Ended(Ok(()))),
        ]
    );
}

#[test]
fn a_deadline_counts_from_the_call_and_ends_a_queued_download_in_time() {
    let (fixture, client, running) = occupied();
    let start_with = |key: &str, limit: u64| {
        let mut request = request(&fixture, key);
        request.deadline = Some(Duration::from_millis(limit));
        start(&client, &request)
    };
    let patient = start_with("a", 60_000);
    let late = [start_with("b", 200), start_with("c", 50)];
    for (download, limit) in late.iter().zip([200, 50]) {
        let error = end(download).expect_err("it is late");
        assert_eq!((error.kind(), error.code()), (ErrorKind::Deadline, "DeadlineExceeded"));
        let elapsed = download.status().statistics.elapsed;
        assert!(elapsed >= Duration::from_millis(limit), "{elapsed:?}");
        assert!(error.message().contains(&format!("{limit}ms")), "{error}");
    }
    assert_eq!(position(&patient), (Phase::Queued, Some(1)));
    running.cancel();
    end(&patient).expect("download");
    assert_eq!(requested(&fixture), ["a"]);
}

#[test]
fn time_in_the_queue_counts_toward_the_deadline_of_a_download_that_starts() {
    let (fixture, client, running) = occupied();
    let mut request = request(&fixture, "a");
    request.deadline = Some(Duration::from_millis(500));
    let queued = start(&client, &request);
    std::thread::sleep(Duration::from_millis(300));
    fixture.server.inject_when(Matcher::any().key("a"), Fault::NoReply);
    running.cancel();
    let error = end(&queued).expect_err("it is late");
    assert_eq!(error.code(), "DeadlineExceeded");
    let elapsed = queued.status().statistics.elapsed;
    assert!(
        elapsed < Duration::from_millis(790),
        "the time in the queue did not count: {elapsed:?}"
    );
}

#[test]
fn a_file_is_busy_from_the_call_of_a_queued_download_to_its_end() {
    let (fixture, client, running) = occupied();
    let queued = start(&client, &request(&fixture, "a"));
    let elsewhere = fixture.client();
    for client in [&client, &elsewhere] {
        // Another object, the same file.
        let mut second = request(&fixture, "b");
        second.file_path = Some(fixture.dir().join("a"));
        let error = client.start(&second).map(drop).expect_err("busy");
        assert_eq!((error.kind(), error.code()), (ErrorKind::Busy, "Busy"));
        assert_eq!(error.path(), Some(&*fixture.dir().join("a")));
    }
    assert_eq!(position(&queued), (Phase::Queued, Some(1)), "unharmed");
    queued.cancel();
    end(&start(&elsewhere, &request(&fixture, "a"))).expect("the file is free");
    running.cancel();
    end(&start(&elsewhere, &request(&fixture, "a"))).expect("and again");
}

#[test]
fn a_download_that_would_wait_is_busy_at_once_if_another_process_has_its_files() {
    let (fixture, client, running) = occupied();
    let checkpoint = request(&fixture, "a").checkpoint_dir(fixture.dir());
    // Another descriptor has a lock of its own, as another process has.
    let temp = File::create(fixture.dir().join("a.temp")).expect("create");
    temp.lock().expect("lock");
    for request in [&request(&fixture, "a"), &checkpoint] {
        let error = client.start(request).map(drop).expect_err("busy");
        assert_eq!((error.kind(), error.code()), (ErrorKind::Busy, "Busy"));
    }
    drop(temp);
    let queued = start(&client, &request(&fixture, "a"));
    assert_eq!(position(&queued), (Phase::Queued, Some(1)), "no refused one is left in the queue");
    running.cancel();
    end(&queued).expect("download");
}

#[test]
fn disabling_requests_ends_queued_downloads() {
    let (fixture, client, running) = occupied();
    let queued = ["a", "b"].map(|key| start(&client, &request(&fixture, key)));
    client.disable_requests().expect("own process");
    for download in &queued {
        let ended = download.wait(Some(Duration::ZERO)).expect("it has ended");
        let error = ended.expect_err("disabled");
        assert_eq!((error.kind(), error.code()), (ErrorKind::Disabled, "ClientError:100002"));
    }
    assert_eq!(end(&running).expect_err("disabled").kind(), ErrorKind::Disabled);
    client.enable_requests().expect("own process");
    end(&start(&client, &request(&fixture, "a"))).expect("enabled again");
    assert_eq!(requested(&fixture), ["a"]);
}

#[test]
fn shutting_down_a_client_ends_queued_downloads() {
    let (fixture, client, running) = occupied();
    let mut request_with_deadline = request(&fixture, "b");
    request_with_deadline.deadline = Some(Duration::from_secs(3600));
    let queued = [start(&client, &request(&fixture, "a")), start(&client, &request_with_deadline)];
    client.shutdown();
    for download in queued.iter().chain([&running]) {
        let ended = download.wait(Some(Duration::ZERO)).expect("it has ended");
        assert_eq!(ended.expect_err("cancelled").kind(), ErrorKind::Cancelled);
    }
    assert_eq!(requested(&fixture), [""; 0]);
}

#[test]
fn queued_downloads_continue_after_the_client_is_dropped() {
    let (fixture, client, running) = occupied();
    let queued = ["a", "b"].map(|key| start(&client, &request(&fixture, key)));
    drop(client);
    drop(running);
    queued.iter().for_each(|download| drop(end(download).expect("download")));
    assert_eq!(requested(&fixture), ["a", "b"]);
}

#[test]
fn as_many_downloads_run_at_once_as_the_client_allows() {
    for (max_active, max_connections, expected) in [(3, 0, 3), (0, 2, 2), (0, 0, 16)] {
        let fixture = Fixture::new(1);
        let keys: Vec<_> = (0..20).map(|n| format!("{n}")).collect();
        for key in &keys {
            fixture.server.put(BUCKET, key, Object::pattern(1000, 7));
        }
        fixture.server.inject(Fault::NoReply);
        let client = fixture.client_with(|options| {
            options.max_active_downloads = max_active;
            options.max_connections = max_connections;
        });
        let downloads: Vec<_> =
            keys.iter().map(|key| start(&client, &request(&fixture, key))).collect();
        let queued = downloads.iter().filter(|download| download.status().phase == Phase::Queued);
        assert_eq!(20 - queued.count(), expected);
        until("all of them have sent a request", || fixture.server.requests().len() >= expected);
        let mut asked = requested(&fixture);
        asked.sort_by_key(|key| key.parse::<usize>().expect("a number"));
        assert_eq!(asked, keys[..expected]);
    }
}
