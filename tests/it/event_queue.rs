//! Event queues: one thread learns of many downloads.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use local_oss::{Fault, Matcher, Object};
use oss_resumable::{
    Download, DownloadEvent, DownloadRequest, ErrorKind, EventKind, EventQueue, Phase,
};

use crate::fixture::{BUCKET, Fixture, MIB, PART};

const STARTED: EventKind = EventKind::Started;
const SUCCEEDED: EventKind = EventKind::Ended(Ok(()));
const CANCELLED: EventKind = EventKind::Ended(Err(ErrorKind::Cancelled));

/// Reads events until `ends` downloads have ended.
fn read(queue: &EventQueue, ends: usize) -> Vec<DownloadEvent> {
    let mut events = Vec::new();
    let mut ended = 0;
    while ended < ends {
        let event = queue.next(Some(Duration::from_secs(60))).expect("open").expect("an event");
        ended += usize::from(matches!(event.kind, EventKind::Ended(_)));
        events.push(event);
    }
    events
}

/// The starts and ends of each download.
fn by_tag(events: &[DownloadEvent]) -> HashMap<u64, Vec<EventKind>> {
    let mut kinds = HashMap::<_, Vec<_>>::new();
    for event in events.iter().filter(|event| event.kind != EventKind::Progress) {
        kinds.entry(event.tag).or_default().push(event.kind);
    }
    kinds
}

fn assert_nothing_waits(queue: &EventQueue) {
    assert!(queue.next(Some(Duration::ZERO)).expect("open").is_none());
}

/// A fixture in which nothing arrives after the first part.
fn stalled() -> Fixture {
    let fixture = Fixture::new(2 * MIB);
    fixture.server.inject_when(Matcher::any().from(2), Fault::StallAfter(1000));
    fixture
}

/// Starts a download to `name` that does not end by itself.
fn start_stalled(fixture: &Fixture, queue: &EventQueue, name: &str, tag: u64) -> Download {
    let client = fixture.client_with(|options| options.idle_timeout = None);
    let request = fixture.request().file_path(fixture.dir().join(name)).event_queue(queue, tag);
    client.start(&request).expect("start")
}

#[test]
fn a_download_reports_its_start_its_progress_and_its_end_in_this_order() {
    let fixture = Fixture::new(2 * MIB);
    fixture.server.inject(Fault::RateLimit(2 * MIB));
    let queue = EventQueue::new().expect("queue");
    let download =
        fixture.client().start(&fixture.request().event_queue(&queue, 7)).expect("start");
    let events = read(&queue, 1);
    assert!(events.iter().all(|event| event.tag == 7));
    let (first, last) = (&events[0], &events[events.len() - 1]);
    assert_eq!((first.kind, last.kind), (STARTED, SUCCEEDED));
    let between = &events[1..events.len() - 1];
    assert!(between.iter().all(|event| event.kind == EventKind::Progress));
    assert!(between.iter().any(|event| event.status.phase == Phase::Transferring));
    assert!(events.windows(2).all(|pair| pair[0].status.bytes_done <= pair[1].status.bytes_done));
    let status = &last.status;
    assert_eq!((status.phase, status.bytes_done), (Phase::Succeeded, 2 * MIB));
    assert_eq!((status.bytes_per_second, status.eta), (0, Some(Duration::ZERO)));
    let outcome = download.wait(Some(Duration::ZERO)).expect("the end was reported after it");
    fixture.assert_whole(&outcome.expect("download"));
    assert_nothing_waits(&queue);
}

#[test]
fn progress_comes_at_most_ten_times_a_second_and_only_while_it_changes() {
    let fixture = Fixture::new(2 * MIB);
    fixture.server.inject(Fault::RateLimit(MIB));
    let queue = EventQueue::new().expect("queue");
    let started = Instant::now();
    let _download =
        fixture.client().start(&fixture.request().event_queue(&queue, 0)).expect("start");
    let progress = read(&queue, 1).len() as u128 - 2;
    let most = started.elapsed().as_millis() / 100 + 1;
    assert!((3..=most).contains(&progress), "{progress} of at most {most}");

    let fixture = stalled();
    let download = start_stalled(&fixture, &queue, "stalled", 1);
    // Until the rate is zero and everything that had come is reported.
    while queue.next(Some(Duration::from_secs(1))).expect("open").is_some() {}
    assert!(download.wait(Some(Duration::ZERO)).is_none(), "it still runs");
}

#[test]
fn progress_carries_the_current_rate_and_the_time_that_is_left() {
    let fixture = Fixture::new(4 * MIB);
    let queue = EventQueue::new().expect("queue");
    let mut request = fixture.request().event_queue(&queue, 0);
    request.max_bandwidth = 2 * MIB;
    let download = fixture.client().start(&request).expect("start");
    let mut with_rate = 0;
    for event in read(&queue, 1) {
        let status = event.status;
        if status.phase == Phase::Transferring && status.bytes_per_second > 0 {
            let left = status.bytes_total.expect("known") - status.bytes_done;
            let expected = left as f64 / status.bytes_per_second as f64;
            let eta = status.eta.expect("known").as_secs_f64();
            assert!((eta - expected).abs() <= 0.001, "{eta} {expected}");
            with_rate += 1;
        }
    }
    assert!(with_rate >= 3, "{with_rate}");
    let outcome = download.wait(None).expect("no limit").expect("download");
    fixture.assert_whole(&outcome);
}

#[test]
fn one_thread_serves_the_downloads_of_two_clients() {
    let fixture = Fixture::new(1);
    let clients = [fixture.client(), fixture.client()];
    let queue = EventQueue::new().expect("queue");
    let start = |tag: u64| {
        let (key, size) = (format!("many/{tag}.bin"), PART + tag * 1000);
        fixture.server.put(BUCKET, &key, Object::pattern(size, tag));
        let request =
            DownloadRequest::new(BUCKET, key).file_path(fixture.dir().join(tag.to_string()));
        clients[(tag % 2) as usize].start(&request.event_queue(&queue, tag)).expect("start")
    };
    let downloads: Vec<_> = (0..64).map(start).collect();
    let events = read(&queue, 64);
    let kinds = by_tag(&events);
    for (tag, download) in (0..).zip(&downloads) {
        assert_eq!(kinds[&tag], [STARTED, SUCCEEDED], "{tag}");
        let outcome = download.wait(Some(Duration::ZERO)).expect("ended").expect("download");
        assert_eq!(outcome.file_size, PART + tag * 1000);
    }
    assert_nothing_waits(&queue);
}

#[test]
fn each_way_to_end_is_reported_once() {
    let fixture = stalled();
    let queue = EventQueue::new().expect("queue");
    let cancelled = start_stalled(&fixture, &queue, "cancelled", 1);
    let dropped = start_stalled(&fixture, &queue, "dropped", 2);
    let client = fixture.client_with(|options| options.idle_timeout = None);
    let request = |name: &str, tag| {
        fixture.request().file_path(fixture.dir().join(name)).event_queue(&queue, tag)
    };
    let disabled = client.start(&request("disabled", 3)).expect("start");
    client.disable_requests().expect("disable");
    client.enable_requests().expect("enable");
    assert!(disabled.wait(None).is_some());
    let shut_down = client.start(&request("shut down", 4)).expect("start");
    let mut missing = request("missing", 5);
    missing.key = "missing".to_owned();
    let missing = fixture.client().start(&missing).expect("start");

    cancelled.cancel();
    cancelled.cancel();
    drop(dropped);
    client.shutdown();
    let kinds = by_tag(&read(&queue, 5));
    let ended = |kind| [STARTED, EventKind::Ended(Err(kind))];
    for (tag, kind) in [
        (1, ErrorKind::Cancelled),
        (2, ErrorKind::Cancelled),
        (3, ErrorKind::Disabled),
        (4, ErrorKind::Cancelled),
        (5, ErrorKind::Service),
    ] {
        assert_eq!(kinds[&tag], ended(kind), "{tag}");
    }
    for (download, kind) in [
        (cancelled, ErrorKind::Cancelled),
        (disabled, ErrorKind::Disabled),
        (shut_down, ErrorKind::Cancelled),
        (missing, ErrorKind::Service),
    ] {
        let result = download.wait(Some(Duration::ZERO)).expect("ended");
        assert_eq!(result.expect_err("failed").kind(), kind);
    }
    assert_nothing_waits(&queue);
}

#[test]
fn a_download_that_is_refused_reports_nothing() {
    let fixture = Fixture::new(1);
    let queue = EventQueue::new().expect("queue");
    let client = fixture.client();
    let request = fixture.request().event_queue(&queue, 1);
    client.disable_requests().expect("disable");
    assert_eq!(client.start(&request).err().expect("disabled").kind(), ErrorKind::Disabled);
    client.enable_requests().expect("enable");
    let refused = client.start(&request.clone().part_size(1)).err().expect("refused");
    assert_eq!(refused.kind(), ErrorKind::Validation);
    client.shutdown();
    assert_eq!(client.start(&request).err().expect("closed").kind(), ErrorKind::Cancelled);
    assert_nothing_waits(&queue);
}

#[test]
fn downloads_go_on_when_their_queue_is_dropped() {
    let fixture = Fixture::new(MIB);
    fixture.server.inject(Fault::RateLimit(4 * MIB));
    let queue = EventQueue::new().expect("queue");
    let request = fixture.request().event_queue(&queue, 1);
    let download = fixture.client().start(&request).expect("start");
    drop(queue);
    fixture.assert_whole(&download.wait(None).expect("no limit").expect("download"));
    let refused = fixture.client().start(&request).err().expect("no queue");
    assert_eq!(refused.kind(), ErrorKind::Validation);
    assert!(refused.message().contains("event queue"), "{refused}");
}

#[test]
fn a_blocking_download_reports_to_a_queue_that_another_thread_reads() {
    let fixture = Fixture::new(MIB);
    let queue = EventQueue::new().expect("queue");
    let events = std::thread::scope(|scope| {
        let reader = scope.spawn(|| read(&queue, 1));
        let request = fixture.request().event_queue(&queue, 3);
        fixture.assert_whole(&fixture.client().download(&request).expect("download"));
        reader.join().expect("read")
    });
    assert_eq!(by_tag(&events)[&3], [STARTED, SUCCEEDED]);
}

#[test]
fn the_iterator_ends_when_no_event_comes_in_time() {
    let fixture = stalled();
    let queue = EventQueue::new().expect("queue");
    assert_eq!(queue.events(Some(Duration::ZERO)).count(), 0);
    let download = start_stalled(&fixture, &queue, "file", 1);
    for event in queue.events(None) {
        let event = event.expect("open");
        if event.kind == EventKind::Progress && event.status.bytes_done >= PART {
            download.cancel();
        }
        if event.kind == CANCELLED {
            break;
        }
    }
    let started = Instant::now();
    assert_eq!(queue.events(Some(Duration::from_millis(50))).count(), 0);
    assert!(started.elapsed() >= Duration::from_millis(50));
}

#[test]
fn a_pause_is_reported_when_it_is_complete() {
    let fixture = Fixture::new(8 * MIB);
    fixture.server.inject(Fault::RateLimit(2 * MIB));
    let queue = EventQueue::new().expect("queue");
    let client = fixture.client();
    let download = client.start(&fixture.request().event_queue(&queue, 1)).expect("start");
    let mut kinds = Vec::new();
    let mut pauses = 0;
    for event in queue.events(Some(Duration::from_secs(60))) {
        let event = event.expect("open");
        match event.kind {
            EventKind::Progress if event.status.bytes_done > pauses * MIB && pauses < 2 => {
                pauses += 1;
                download.pause();
            }
            EventKind::Paused => {
                assert_eq!((event.status.phase, event.status.bytes_per_second), (Phase::Paused, 0));
                assert_eq!(event.status.eta, None);
                assert_eq!(event.status.active_connections, 0);
                download.resume();
            }
            _ => {}
        }
        if event.kind != EventKind::Progress {
            kinds.push(event.kind);
        }
        if matches!(event.kind, EventKind::Ended(_)) {
            break;
        }
    }
    assert_eq!(kinds, [STARTED, EventKind::Paused, EventKind::Paused, SUCCEEDED]);
}
