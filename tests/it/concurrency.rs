//! Downloads that find their number of connections. The tests count connections; `transfer::simulation::speed` compares
//! times.

use std::time::Duration;

use local_oss::{Fault, Link, Matcher};
use oss_resumable::{Download, DownloadRequest, Outcome};

use crate::fixture::{Fixture, MIB};

/// Rate of a connection, in bytes per second.
const EACH: u64 = MIB;

/// An object of this size over connections of a limited rate.
fn fixture(size: u64) -> Fixture {
    let fixture = Fixture::new(size);
    fixture.server.inject(Fault::RateLimit(EACH));
    fixture.server.inject(Fault::RoundTrip(Duration::from_millis(10)));
    fixture
}

fn request(fixture: &Fixture) -> DownloadRequest {
    fixture.request().auto_concurrency(16).part_size(MIB)
}

/// How many connections a download had.
struct Connections {
    most: u32,
    /// For most of the time in the third quarter of the bytes.
    settled: u32,
}

/// Downloads the object and counts its connections meanwhile.
fn download(fixture: &Fixture, request: &DownloadRequest) -> (Connections, Outcome) {
    let client = fixture.client();
    let download = client.start(request).expect("start");
    let size =
        fixture.server.object(crate::fixture::BUCKET, crate::fixture::KEY).expect("object").size();
    let (mut most, mut settled) = (0, Vec::new());
    while !is_over(&download) {
        let status = download.status();
        most = most.max(status.active_connections);
        if (size / 2..size / 4 * 3).contains(&status.bytes_done) {
            settled.push(status.active_connections);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let outcome = download.wait(None).expect("an end").expect("download");
    fixture.assert_whole(&outcome);
    settled.sort_unstable();
    let settled = settled.get(settled.len() / 2).copied().unwrap_or_default();
    (Connections { most, settled }, outcome)
}

fn is_over(download: &Download) -> bool {
    download.wait(Some(Duration::ZERO)).is_some()
}

#[test]
fn there_are_as_many_connections_as_fill_a_link() {
    let fixture = fixture(24 * MIB);
    fixture.server.inject(Fault::CommonLink(Link::new(4 * EACH)));
    let (connections, outcome) = download(&fixture, &request(&fixture));
    assert!(connections.most <= 6, "{} for four", connections.most);
    assert!((3..=5).contains(&connections.settled), "{} for four", connections.settled);
    let statistics = outcome.statistics;
    // Nothing is fetched twice because a connection was given up.
    assert_eq!(statistics.bytes_from_network - statistics.bytes_discarded, 24 * MIB);
    assert!(statistics.bytes_discarded <= statistics.requests * 64 * 1024, "{statistics:?}");
}

#[test]
fn a_link_that_one_connection_fills_gets_a_second_one_for_a_moment_only() {
    let fixture = fixture(4 * MIB);
    fixture.server.inject(Fault::CommonLink(Link::new(EACH)));
    let (connections, _) = download(&fixture, &request(&fixture));
    assert!(connections.most <= 2, "{} for one", connections.most);
    assert_eq!(connections.settled, 1);
}

#[test]
fn a_service_that_refuses_more_connections_gets_as_many_as_it_accepts() {
    let fixture = fixture(16 * MIB);
    let refusal = Fault::Status {
        status: 503,
        code: "ActiveRequestLimitExceeded".to_owned(),
        retry_after: None,
    };
    let rule = fixture.server.inject_when(Matcher::any().above_active(3), refusal);
    let (connections, _) = download(&fixture, &request(&fixture));
    assert!(fixture.server.fault_hits(rule) > 0, "it was refused");
    assert!(connections.most <= 4, "{} for three", connections.most);
    assert!((2..=3).contains(&connections.settled), "{} for three", connections.settled);
}

#[test]
fn a_service_that_delays_its_replies_gets_no_more_connections() {
    let fixture = fixture(10 * MIB);
    let delayed = Fault::QosDelay(Duration::from_millis(20));
    let rule = fixture.server.inject_when(Matcher::any().above_active(2), delayed);
    let (connections, _) = download(&fixture, &request(&fixture));
    assert!(fixture.server.fault_hits(rule) > 0, "it was delayed");
    assert!(connections.most <= 4, "{} connections", connections.most);
}

#[test]
fn there_are_never_more_than_the_request_or_the_client_allows() {
    let fixture = fixture(6 * MIB);
    let (connections, _) =
        download(&fixture, &fixture.request().auto_concurrency(2).part_size(MIB));
    assert_eq!(connections.most, 2);
    std::fs::remove_file(fixture.target()).expect("remove");
    let client = fixture.client_with(|options| options.max_connections = 2);
    let download = client.start(&request(&fixture)).expect("start");
    while !is_over(&download) {
        assert!(download.status().active_connections <= 2);
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_small_object_still_costs_one_request() {
    let fixture = Fixture::new(MIB);
    let outcome = fixture.client().download(&request(&fixture)).expect("download");
    assert_eq!(outcome.statistics.requests, 1);
}
