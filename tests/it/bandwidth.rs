//! Bandwidth limits: of a download over all its connections, of a client over all its downloads, changed while
//! downloads run.

use std::time::{Duration, Instant};

use local_oss::{Fault, Matcher};
use oss_resumable::Client;

use crate::fixture::{Fixture, MIB, PART};

/// Time for the bytes that every limit accepts immediately.
const HEAD_START: Duration = Duration::from_millis(250);

fn seconds(bytes: u64, rate: u64) -> Duration {
    Duration::from_secs_f64(bytes as f64 / rate as f64)
}

#[test]
fn a_limit_is_the_total_of_a_download_s_connections() {
    let fixture = Fixture::new(2 * MIB);
    let request = fixture.request_with(|request| {
        request.thread_num = 4;
        request.max_bandwidth = 2 * MIB;
    });
    let started = Instant::now();
    let outcome = fixture.client().download(&request).expect("download");
    let took = started.elapsed();
    fixture.assert_whole(&outcome);
    assert!(took + HEAD_START >= seconds(2 * MIB, 2 * MIB), "{took:?} is too fast");
}

#[test]
fn a_connection_that_its_limit_pauses_often_does_not_count_as_slow() {
    let fixture = Fixture::new(2 * MIB);
    let request = fixture.request_with(|request| {
        request.thread_num = 6;
        request.max_bandwidth = 30_000;
    });
    let download = fixture.client().start(&request).expect("start");
    // Each connection transfers once in three seconds; after two seconds it counts in the comparison of speeds.
    assert!(download.wait(Some(Duration::from_secs(7))).is_none(), "a minute is needed");
    assert_eq!(download.status().statistics.requests, 6, "one each");
}

#[test]
fn work_moves_from_a_slow_connection_under_a_limit_that_is_not_reached() {
    let fixture = Fixture::new(8 * MIB);
    fixture.server.inject_when(Matcher::any().nth(2), Fault::RateLimit(MIB / 16));
    let request = fixture.request_with(|request| {
        request.thread_num = 2;
        request.max_bandwidth = 1 << 40;
        // Alone it would need a minute.
        request.deadline = Some(Duration::from_secs(30));
    });
    fixture.assert_whole(&fixture.client().download(&request).expect("download"));
}

#[test]
fn a_limit_can_be_lifted_and_set_while_the_download_runs() {
    let fixture = Fixture::new(8 * MIB);
    let request = fixture.request_with(|request| request.max_bandwidth = PART);
    let download = fixture.client().start(&request).expect("start");
    while download.status().bytes_done == 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    download.set_bandwidth(4 * MIB);
    let started = Instant::now();
    let rest = 8 * MIB - download.status().bytes_done;
    let outcome = download.wait(Some(Duration::from_secs(40))).expect("no longer 80 seconds");
    let took = started.elapsed();
    fixture.assert_whole(&outcome.expect("download"));
    assert!(took + HEAD_START >= seconds(rest, 4 * MIB), "{took:?} is too fast for {rest} bytes");
}

#[test]
fn a_client_s_limit_is_the_total_of_its_downloads() {
    let fixture = Fixture::new(MIB);
    let client: Client = fixture.client_with(|options| options.max_bandwidth = 1);
    client.set_bandwidth(2 * MIB).expect("own process");
    let other =
        fixture.request_with(|request| request.file_path = Some(fixture.dir().join("other")));
    let started = Instant::now();
    let (one, two) =
        (client.start(&fixture.request()).expect("start"), client.start(&other).expect("start"));
    for download in [one, two] {
        download.wait(None).expect("no limit").expect("download");
    }
    let took = started.elapsed();
    assert!(took + HEAD_START >= seconds(2 * MIB, 2 * MIB), "{took:?} is too fast");
}

#[test]
fn a_connection_that_its_limit_pauses_does_not_count_as_stalled() {
    let fixture = Fixture::new(2 * PART);
    let client =
        fixture.client_with(|options| options.idle_timeout = Some(Duration::from_millis(100)));
    let request = fixture.request_with(|request| request.max_bandwidth = PART);
    let outcome = client.download(&request).expect("download");
    fixture.assert_whole(&outcome);
    assert_eq!(outcome.statistics.retries_timeout, 0);
}

#[test]
fn a_cancel_does_not_wait_for_the_limit() {
    let fixture = Fixture::new(8 * MIB);
    let request = fixture.request_with(|request| request.max_bandwidth = 1);
    let download = fixture.client().start(&request).expect("start");
    while download.status().bytes_total.is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    download.cancel();
    let ended = download.wait(Some(Duration::from_secs(10))).expect("at once");
    assert_eq!(ended.expect_err("cancelled").code(), "Cancelled");
}
