//! What a prefix download reports to an event queue, and what it did not have to fetch.

use std::time::{Duration, Instant};

use local_oss::{Fault, Matcher};
use oss_resumable::{
    DownloadEvent, DownloadRequest, ErrorKind, EventKind, EventQueue, Phase, PrefixCounts,
    PrefixPhase,
};

use super::Scene;
use crate::fixture::{BUCKET, MIB, PART};

const STARTED: EventKind = EventKind::Started;
const SUCCEEDED: EventKind = EventKind::Ended(Ok(()));

fn failed(kind: ErrorKind) -> EventKind {
    EventKind::Ended(Err(kind))
}

/// Reads events up to the end of a download.
fn read(queue: &EventQueue) -> Vec<DownloadEvent> {
    let mut events = Vec::new();
    loop {
        let event = queue.next(Some(Duration::from_secs(60))).expect("open").expect("an event");
        let is_end = matches!(event.kind, EventKind::Ended(_));
        events.push(event);
        if is_end {
            return events;
        }
    }
}

fn kinds(events: &[DownloadEvent]) -> Vec<EventKind> {
    let kinds = events.iter().map(|event| event.kind);
    kinds.filter(|kind| *kind != EventKind::Progress).collect()
}

fn assert_nothing_waits(queue: &EventQueue) {
    assert!(queue.next(Some(Duration::ZERO)).expect("open").is_none());
}

/// Two objects of which each connection brings so many bytes a second, unless faults are cleared.
fn slow_scene(rate: u64) -> Scene {
    let scene = Scene::new(&[("p/a", 2 * MIB), ("p/b", 2 * MIB), ("p/c", 10)]);
    for key in ["p/a", "p/b"] {
        scene.fixture.server.inject_when(Matcher::any().key(key), Fault::RateLimit(rate));
    }
    scene
}

#[test]
fn start_progress_and_end_come_in_this_order_with_the_bytes_and_their_total() {
    let scene = slow_scene(MIB);
    let listing = scene
        .fixture
        .server
        .inject_when(Matcher::any().key(""), Fault::RoundTrip(Duration::from_millis(300)));
    let queue = EventQueue::new().expect("queue");
    let client = scene.fixture.client();
    let request = scene.request("p/").event_queue(&queue, 7);
    let download = client.start_prefix(&request).expect("start");
    let events = read(&queue);
    assert!(scene.fixture.server.fault_hits(listing) > 0);
    assert_eq!(kinds(&events), [STARTED, SUCCEEDED]);
    assert!(events.iter().all(|event| event.tag == 7));
    let total = 4 * MIB + 10;
    for event in &events {
        let (status, prefix) = (&event.status, event.prefix.as_ref().expect("a prefix download"));
        assert_eq!(
            (status.bytes_done, status.bytes_per_second),
            (prefix.counts.bytes_done, prefix.bytes_per_second)
        );
        let (phase, bytes_total) = match prefix.phase {
            PrefixPhase::Listing => (Phase::Starting, None),
            PrefixPhase::Transferring => (Phase::Transferring, Some(total)),
            _ => (Phase::Succeeded, Some(total)),
        };
        assert_eq!((status.phase, status.bytes_total), (phase, bytes_total));
        assert_eq!((status.contiguous_bytes, status.temp_path.is_none()), (0, true));
    }
    let saw = |wanted: &dyn Fn(&DownloadEvent) -> bool| events.iter().any(wanted);
    assert!(saw(&|event| event.status.phase == Phase::Starting));
    assert!(saw(&|event| event.status.active_connections > 0 && event.status.eta.is_some()));
    assert!(events.windows(2).all(|pair| pair[0].status.bytes_done <= pair[1].status.bytes_done));
    assert!(
        events
            .windows(2)
            .all(|pair| { pair[0].status.statistics.elapsed <= pair[1].status.statistics.elapsed })
    );
    let last = &events.last().expect("an end").status;
    assert_eq!((last.bytes_done, last.bytes_per_second), (total, 0));
    assert_eq!((last.active_connections, last.eta), (0, Some(Duration::ZERO)));
    assert_eq!(last.statistics.bytes_from_network, total);
    let gets = scene.fixture.server.requests().len() as u64 - 1;
    assert_eq!(last.statistics.requests, gets, "those of all objects, without the listing");
    let outcome = download.wait(Some(Duration::ZERO)).expect("the end was reported after it");
    assert!(outcome.expect("download").is_complete());
    assert_nothing_waits(&queue);
}

#[test]
fn one_queue_serves_prefix_downloads_and_others() {
    let scene = Scene::new(&[("p/a", PART), ("p/b", PART), ("other", 3 * PART)]);
    let queue = EventQueue::new().expect("queue");
    let client = scene.fixture.client();
    let mut single = DownloadRequest::new(BUCKET, "other").event_queue(&queue, 1);
    single.file_path = Some(scene.fixture.dir().join("other"));
    let single = client.start(&single).expect("start");
    let prefix = client.start_prefix(&scene.request("p/").event_queue(&queue, 2)).expect("start");
    let mut events = read(&queue);
    events.extend(read(&queue));
    for (tag, is_prefix, bytes) in [(1, false, 3 * PART), (2, true, 2 * PART)] {
        let of_tag: Vec<_> = events.iter().filter(|event| event.tag == tag).cloned().collect();
        assert_eq!(kinds(&of_tag), [STARTED, SUCCEEDED]);
        assert!(of_tag.iter().all(|event| event.prefix.is_some() == is_prefix));
        assert_eq!(of_tag.last().expect("an end").status.bytes_done, bytes);
    }
    assert_nothing_waits(&queue);
    assert!(single.wait(None).expect("an end").is_ok());
    assert!(prefix.wait(None).expect("an end").is_ok());
}

#[test]
fn each_way_to_end_is_reported_once() {
    let queue = EventQueue::new().expect("queue");
    let request = |scene: &Scene| scene.request("p/").event_queue(&queue, 1);
    let assert_end = |kind| {
        assert_eq!(kinds(&read(&queue)), [STARTED, kind]);
        assert_nothing_waits(&queue);
    };
    let scene = slow_scene(MIB);
    let client = scene.fixture.client();
    let cancelled = client.start_prefix(&request(&scene)).expect("start");
    cancelled.cancel();
    cancelled.cancel();
    assert_end(failed(ErrorKind::Cancelled));
    assert!(cancelled.wait(None).expect("an end").is_err());

    drop(client.start_prefix(&request(&scene)).expect("start"));
    assert_end(failed(ErrorKind::Cancelled));

    let mut late = request(&scene);
    late.deadline = Some(Duration::from_millis(200));
    let error = client.download_prefix(&late).expect_err("too slow");
    assert_end(failed(error.kind()));

    let disabled = client.start_prefix(&request(&scene)).expect("start");
    while disabled.status().counts.bytes_done == 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    client.disable_requests().expect("disable");
    assert_end(failed(ErrorKind::Disabled));
    client.enable_requests().expect("enable");

    let closed = client.start_prefix(&request(&scene)).expect("start");
    client.shutdown();
    assert_end(failed(ErrorKind::Cancelled));
    drop(closed);

    let mut missing = request(&scene);
    missing.bucket = "missing-bucket".to_owned();
    let client = scene.fixture.client();
    let error = client.download_prefix(&missing).expect_err("no bucket");
    let events = read(&queue);
    assert_eq!(kinds(&events), [STARTED, failed(error.kind())]);
    let last = &events.last().expect("an end").status;
    assert_eq!((last.phase, last.bytes_total, last.eta), (Phase::Failed, None, None));
    assert_nothing_waits(&queue);
}

#[test]
fn objects_that_fail_are_counted_in_the_end_which_is_a_success() {
    let scene = Scene::new(&[("p/a", 10), ("p//b", 5)]);
    let queue = EventQueue::new().expect("queue");
    let request = scene.request("p/").event_queue(&queue, 1);
    let outcome = scene.fixture.client().download_prefix(&request).expect("download");
    assert!(!outcome.is_complete());
    let events = read(&queue);
    assert_eq!(kinds(&events), [STARTED, SUCCEEDED]);
    let last = events.last().expect("an end");
    let counts = last.prefix.as_ref().expect("a prefix download").counts;
    assert_eq!((counts.fetched, counts.failed), (1, 1));
    assert_eq!(counts, outcome.counts());
    assert_eq!((last.status.bytes_done, last.status.bytes_total), (10, Some(15)));
}

#[test]
fn what_is_refused_reports_nothing() {
    let scene = Scene::new(&[("p/a", 10)]);
    let queue = EventQueue::new().expect("queue");
    let client = scene.fixture.client();
    let request = scene.request("p/").event_queue(&queue, 1);
    let mut absent = request.clone();
    absent.directory = scene.dir().join("absent");
    let refused = client.start_prefix(&absent).expect_err("no directory");
    assert_eq!(refused.kind(), ErrorKind::Validation);
    assert_nothing_waits(&queue);

    drop(queue);
    let refused = client.start_prefix(&request).expect_err("no queue");
    assert_eq!(refused.kind(), ErrorKind::Validation);
    assert!(refused.message().contains("event queue"), "{refused}");
    assert_eq!(std::fs::read_dir(scene.dir()).expect("list").count(), 0, "nothing is left");
}

#[test]
fn each_pause_is_reported_when_everything_is_at_rest() {
    let scene = slow_scene(MIB / 8);
    let queue = EventQueue::new().expect("queue");
    let client = scene.fixture.client();
    let request = scene.request("p/").event_queue(&queue, 1);
    let download = client.start_prefix(&request).expect("start");
    let (mut pauses, mut rested_at) = (0, 0);
    let mut seen = Vec::new();
    for event in queue.events(Some(Duration::from_secs(60))) {
        let event = event.expect("open");
        let status = &event.status;
        match event.kind {
            EventKind::Progress if status.bytes_done > rested_at && pauses < 2 => {
                pauses += 1;
                download.pause();
            }
            EventKind::Paused => {
                assert_eq!((status.phase, status.bytes_per_second), (Phase::Paused, 0));
                assert_eq!((status.active_connections, status.eta), (0, None));
                assert!(event.prefix.as_ref().expect("a prefix download").is_paused);
                let received = status.statistics.bytes_from_network;
                std::thread::sleep(Duration::from_millis(100));
                assert_eq!(download.status().counts.bytes_from_network, received);
                rested_at = status.bytes_done;
                download.resume();
                if seen.len() == 1 {
                    // One that follows at once is reported, too, although nothing may have moved.
                    download.pause();
                } else if pauses == 2 {
                    scene.fixture.server.clear_faults();
                }
            }
            _ => {}
        }
        if event.kind != EventKind::Progress {
            seen.push(event.kind);
        }
        if matches!(event.kind, EventKind::Ended(_)) {
            break;
        }
    }
    let paused = EventKind::Paused;
    assert_eq!(seen, [STARTED, paused, paused, paused, SUCCEEDED]);
}

#[test]
fn a_pause_during_the_listing_is_complete_when_that_is() {
    let scene = Scene::new(&[("p/a", 10)]);
    scene
        .fixture
        .server
        .inject_when(Matcher::any().key(""), Fault::RoundTrip(Duration::from_millis(300)));
    let queue = EventQueue::new().expect("queue");
    let client = scene.fixture.client();
    let request = scene.request("p/").event_queue(&queue, 1);
    let download = client.start_prefix(&request).expect("start");
    download.pause();
    let paused = queue
        .events(Some(Duration::from_secs(60)))
        .find(|event| event.as_ref().is_ok_and(|event| event.kind == EventKind::Paused));
    let status = paused.expect("a pause").expect("open").status;
    assert_eq!((status.bytes_done, status.bytes_total), (0, Some(10)));
    assert_eq!(scene.fixture.server.requests().len(), 1, "the listing");
    download.resume();
    assert_eq!(kinds(&read(&queue)), [SUCCEEDED]);
}

fn counted(counts: PrefixCounts) -> (u64, u64, u64) {
    (counts.bytes_done, counts.bytes_from_network, counts.bytes_reused)
}

#[test]
fn bytes_that_were_there_already_are_counted() {
    const SIZE: u64 = 4 * MIB;
    let scene = Scene::new(&[("p/a", SIZE), ("p/b", 10)]);
    let mut request = scene.request("p/");
    request.objects.thread_num = 1;
    let slow = scene.fixture.server.inject_when(Matcher::any().key("p/a"), Fault::RateLimit(MIB));
    let client = scene.fixture.client();
    let first = client.start_prefix(&request).expect("start");
    let give_up_at = Instant::now() + Duration::from_secs(30);
    while first.status().counts.bytes_done < 2 * MIB {
        assert!(Instant::now() < give_up_at, "{:?}", first.status());
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(first.status().counts.bytes_reused, 0, "everything has just come");
    drop(first);
    assert!(scene.fixture.server.fault_hits(slow) > 0);
    scene.fixture.server.clear_faults();

    // What is left of the large one, and the small one as a whole.
    let counts = client.download_prefix(&request).expect("download").counts();
    assert_eq!((counts.fetched, counts.unchanged), (1, 1), "{counts:?}");
    assert!(counts.bytes_reused >= MIB, "{counts:?}");
    assert_eq!(counts.bytes_reused + counts.bytes_from_network, SIZE + 10, "{counts:?}");

    let counts = client.download_prefix(&request).expect("download").counts();
    assert_eq!(counted(counts), (SIZE + 10, 0, SIZE + 10));
}
