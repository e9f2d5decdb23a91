//! Downloads of one process that wait for each other: queued, without a thread.

use std::fs;
use std::time::Duration;

use local_oss::{Fault, Object};
use oss_resumable::{ErrorKind, EventKind, EventQueue, Phase};

use super::{
    A_WHILE, assert_in_time, assert_nothing_fetched, bytes_sent, cancel, end, events, methods,
    start, until, waiting,
};
use crate::fixture::{BUCKET, Fixture, MIB, PART, wait_for_progress};

const SIZE: u64 = MIB;

/// A fixture whose connections are slow until [`Fixture::clear_faults`].
fn slow() -> Fixture {
    let fixture = Fixture::new(SIZE);
    fixture.server.inject(Fault::RateLimit(SIZE / 10));
    fixture
}

#[test]
fn two_downloads_of_one_client_or_of_two_fetch_the_object_once() {
    for clients in [1, 2] {
        let fixture = slow();
        let (one, other) = (fixture.client(), fixture.client());
        let first = start(&one, &waiting(&fixture));
        wait_for_progress(&first, 1);
        let second = start(if clients == 1 { &one } else { &other }, &waiting(&fixture));
        let status = second.status();
        assert_eq!((status.phase, status.queue_position), (Phase::Queued, None));
        fixture.server.clear_faults();
        fixture.server.restart().expect("the same port");
        end(&first).expect("download");
        assert_nothing_fetched(&fixture, &end(&second).expect("download"));
        assert_eq!(methods(&fixture).iter().filter(|method| *method == "HEAD").count(), 1);
    }
}

#[test]
fn the_default_is_busy_at_once_beside_those_that_wait() {
    let fixture = slow();
    let client = fixture.client();
    let first = start(&client, &waiting(&fixture));
    let second = start(&client, &waiting(&fixture));
    let Err(error) = client.start(&fixture.request()) else { panic!("it is busy") };
    assert_eq!((error.kind(), error.path()), (ErrorKind::Busy, Some(&*fixture.target())));
    cancel(&second);
    cancel(&first);
}

#[test]
fn they_start_in_the_order_of_their_calls_and_continue_from_what_is_there() {
    let fixture = slow();
    let client = fixture.client();
    let queue = EventQueue::new().expect("queue");
    let downloads: Vec<_> =
        (0..4).map(|tag| start(&client, &waiting(&fixture).event_queue(&queue, tag))).collect();
    wait_for_progress(&downloads[0], SIZE / 10);
    // The second one leaves the line, the first one leaves bytes.
    cancel(&downloads[1]);
    cancel(&downloads[0]);
    fixture.server.clear_faults();
    let outcome = end(&downloads[2]).expect("download");
    assert!(outcome.statistics.bytes_reused > 0);
    assert_nothing_fetched(&fixture, &end(&downloads[3]).expect("download"));
    let events = events(&queue, 4);
    let cancelled = EventKind::Ended(Err(ErrorKind::Cancelled));
    let ended = EventKind::Ended(Ok(()));
    let started = EventKind::Started;
    let mut of = vec![Vec::new(); 4];
    events.iter().for_each(|(tag, kind)| of[*tag as usize].push(*kind));
    assert_eq!(of[0], [started, cancelled]);
    assert_eq!(of[1], [cancelled], "it never ran");
    assert_eq!(of[2], [started, ended]);
    assert_eq!(of[3], [started, ended]);
    let place = |wanted| events.iter().position(|event| *event == wanted).expect("an event");
    assert!(place((2, started)) < place((3, started)));
}

#[test]
fn one_that_waits_takes_no_place_of_the_client() {
    let fixture = slow();
    fixture.server.put(BUCKET, "other", Object::pattern(1000, 1));
    let client = fixture.client_with(|options| options.max_active_downloads = 2);
    let first = start(&client, &waiting(&fixture));
    let second = start(&client, &waiting(&fixture));
    let mut other = fixture.request().file_path(fixture.dir().join("other"));
    "other".clone_into(&mut other.key);
    client.download(&other).expect("there is a place for it");
    assert_eq!(second.status().phase, Phase::Queued);
    cancel(&second);
    cancel(&first);
}

#[test]
fn waiting_is_cancelled_within_100_ms() {
    let fixture = slow();
    let client = fixture.client();
    let first = start(&client, &waiting(&fixture));
    assert_in_time(|| {
        let second = start(&client, &waiting(&fixture));
        assert_eq!(second.status().phase, Phase::Queued);
        cancel(&second)
    });
    cancel(&first);
}

#[test]
fn a_deadline_passes_while_it_waits_and_the_error_says_for_what() {
    let fixture = slow();
    let client = fixture.client();
    let first = start(&client, &waiting(&fixture));
    let mut request = waiting(&fixture);
    request.deadline = Some(Duration::from_millis(200));
    let error = client.download(&request).expect_err("late");
    assert_eq!(error.code(), "DeadlineExceeded");
    let target = fixture.target();
    let what = format!("it waited for another download of this process to '{}'", target.display());
    assert!(error.message().contains(&what), "{error}");
    cancel(&first);
}

#[test]
fn a_paused_one_starts_when_the_file_is_free_and_it_is_resumed() {
    let fixture = slow();
    let client = fixture.client();
    let queue = EventQueue::new().expect("queue");
    let first = start(&client, &waiting(&fixture));
    let second = start(&client, &waiting(&fixture).event_queue(&queue, 1));
    second.pause();
    assert_eq!(second.status().phase, Phase::Paused);
    let event = queue.next(Some(Duration::ZERO)).expect("open").expect("an event");
    assert_eq!(event.kind, EventKind::Paused);
    cancel(&first);
    assert!(second.wait(Some(A_WHILE)).is_none(), "it is paused");
    fixture.server.clear_faults();
    second.resume();
    fixture.assert_whole(&end(&second).expect("download"));
}

#[test]
fn a_client_that_pauses_reports_it_for_those_that_wait() {
    let fixture = slow();
    let client = fixture.client();
    let queue = EventQueue::new().expect("queue");
    let first = start(&client, &waiting(&fixture));
    let second = start(&client, &waiting(&fixture).event_queue(&queue, 1));
    client.pause().expect("open");
    let event = queue.next(Some(Duration::from_secs(10))).expect("open").expect("an event");
    assert_eq!(event.kind, EventKind::Paused);
    cancel(&first);
    fixture.server.clear_faults();
    client.resume().expect("open");
    fixture.assert_whole(&end(&second).expect("download"));
}

#[test]
fn a_client_that_is_shut_down_ends_those_that_wait() {
    let fixture = slow();
    let (client, other) = (fixture.client(), fixture.client());
    let first = start(&client, &waiting(&fixture));
    let second = start(&client, &waiting(&fixture));
    let third = start(&other, &waiting(&fixture));
    client.shutdown();
    for ended in [first, second] {
        assert_eq!(end(&ended).expect_err("closed").kind(), ErrorKind::Cancelled);
    }
    fixture.server.clear_faults();
    fixture.assert_whole(&end(&third).expect("download"));
}

fn threads() -> usize {
    fs::read_dir("/proc/self/task").expect("threads").count()
}

#[test]
fn a_thousand_that_wait_for_one_file_have_no_threads() {
    let fixture = Fixture::new(PART);
    fixture.server.inject(Fault::RateLimit(PART / 10));
    let client = fixture.client();
    let first = start(&client, &waiting(&fixture));
    wait_for_progress(&first, 1);
    let before = threads();
    let mut request = waiting(&fixture);
    request.flush = false;
    let waiting: Vec<_> = (0..1000).map(|_| start(&client, &request)).collect();
    // Other tests run in this process.
    assert!(threads() < before + 200, "{} threads, {before} before", threads());
    fixture.server.clear_faults();
    fixture.server.restart().expect("the same port");
    end(&first).expect("download");
    for download in &waiting {
        let figures = end(download).expect("download").statistics;
        assert_eq!((figures.bytes_from_network, figures.bytes_reused), (0, PART));
    }
    until("the last one has released its files", || fixture.files() == ["file.bin"]);
    fixture.assert_range(0..PART);
    // What was in the sockets when the server was restarted was sent again.
    assert!(bytes_sent(&fixture) < 2 * PART);
}
