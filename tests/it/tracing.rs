//! Traces: one record for each request.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use local_oss::{Config, Fault, LoggedRequest, Matcher, Object, Tls};
use oss_resumable::{Client, ClientOptions, Overwrite, RequestEnd, RequestTrace, Statistics};

use crate::fixture::{Fixture, MIB, PART, wait_for_progress};

/// A client that traces its requests.
fn traced(
    fixture: &Fixture,
    change: impl FnOnce(&mut ClientOptions),
) -> (Client, Receiver<RequestTrace>) {
    let (sender, traces) = channel();
    let mut options = fixture.options().trace(move |trace| {
        // A test that has ended reads no more.
        let _ = sender.send(trace);
    });
    change(&mut options);
    (Client::new(options).expect("client"), traces)
}

/// The traces of downloads that have ended.
fn all(traces: &Receiver<RequestTrace>) -> Vec<RequestTrace> {
    traces.try_iter().collect()
}

fn range_of(trace: &RequestTrace) -> Option<String> {
    trace.range_end.map(|end| format!("bytes={}-{end}", trace.range_start))
}

/// Asserts that the traces are those of the requests that the server has received.
#[track_caller]
fn assert_logged(fixture: &Fixture, traces: &[RequestTrace]) {
    let mut logged: Vec<_> = fixture.server.requests().iter().map(range_and_status).collect();
    let mut traced: Vec<_> = traces.iter().map(|trace| (range_of(trace), trace.status)).collect();
    logged.sort();
    traced.sort();
    assert_eq!(traced, logged);
}

fn range_and_status(request: &LoggedRequest) -> (Option<String>, u16) {
    (request.range.clone(), request.status.unwrap_or(0))
}

/// Asserts what holds of the traces of one download, in the order in which they came.
#[track_caller]
fn assert_consistent(traces: &[RequestTrace], figures: &Statistics) {
    assert_eq!(traces.len() as u64, figures.requests);
    let mut slots = HashMap::new();
    for trace in traces {
        let times = [Some(trace.started), trace.connected, trace.first_byte, Some(trace.ended)];
        assert!(times.into_iter().flatten().is_sorted(), "{trace:?}");
        assert!(!(trace.is_reused && trace.connected.is_some()), "{trace:?}");
        let before = slots.insert(trace.slot, trace.ended);
        assert!(before.is_none_or(|ended| ended <= trace.started), "{trace:?}");
    }
    let opened = traces.iter().filter(|trace| trace.connected.is_some()).count() as u64;
    assert!(opened <= figures.connections, "{opened} of {}", figures.connections);
    let bytes: u64 = traces.iter().map(|trace| trace.bytes).sum();
    assert_eq!(bytes, figures.bytes_from_network - figures.bytes_discarded);
}

fn ends(traces: &[RequestTrace]) -> Vec<RequestEnd> {
    traces.iter().map(|trace| trace.end).collect()
}

fn only(end: RequestEnd, traces: &[RequestTrace]) -> Vec<&RequestTrace> {
    traces.iter().filter(|trace| trace.end == end).collect()
}

#[test]
fn each_request_is_traced_with_its_connection() {
    for tls in [None, Some(Tls::Valid)] {
        let config = Config { tls, ..Config::default() };
        let fixture = Fixture::with(config, Object::pattern(3 * MIB, 7));
        let (client, traces) = traced(&fixture, |_| {});
        let mut request = fixture.request();
        (request.tag, request.thread_num) = (7, 3);
        let mut opened = 0;
        let mut seen = Vec::new();
        for _ in 0..2 {
            let outcome = client.download(&request).expect("download");
            let traces = all(&traces);
            assert_consistent(&traces, &outcome.statistics);
            opened += outcome.statistics.connections;
            seen.extend(traces);
        }
        assert_logged(&fixture, &seen);
        assert!(seen.iter().any(|trace| trace.is_reused), "{seen:?}");
        assert_eq!(seen.iter().filter(|trace| !trace.is_reused).count() as u64, opened);
        // By its ports a connection is known as the server knows it.
        let mut ports = HashMap::new();
        for request in fixture.server.requests() {
            let same = |trace: &&RequestTrace| range_of(trace) == request.range;
            let mut found = seen.iter().filter(same).map(|trace| trace.local_port);
            assert!(
                found
                    .any(|port| *ports.entry(port).or_insert(request.connection)
                        == request.connection)
            );
        }
        for trace in &seen {
            let peer = trace.peer.expect("an address");
            assert_eq!(
                (peer.ip(), peer.port()),
                (IpAddr::V4(Ipv4Addr::LOCALHOST), fixture.server.port())
            );
            assert!(matches!(trace.end, RequestEnd::Complete | RequestEnd::Shared), "{trace:?}");
            assert_eq!((trace.tag, trace.status, trace.is_head), (7, 206, false));
            assert!(trace.request_id.as_deref().is_some_and(|id| !id.is_empty()));
            assert!(trace.slot < 3 && trace.first_byte.is_some());
        }
    }
}

#[test]
fn breaks_refusals_and_stalls_are_the_ends_of_their_requests() {
    let fixture = Fixture::new(3 * MIB);
    let busy = Fault::Status { status: 503, code: "SlowDown".to_owned(), retry_after: None };
    fixture.server.inject_when(Matcher::any().nth(1), busy);
    fixture.server.inject_when(Matcher::any().nth(3), Fault::ResetAfter(50_000));
    fixture.server.inject_when(Matcher::any().nth(4), Fault::CloseBeforeHeaders);
    fixture.server.inject_when(Matcher::any().nth(5), Fault::StallAfter(1000));
    fixture.server.inject_when(Matcher::any().nth(6), Fault::WrongContentRange);
    let (client, traces) = traced(&fixture, |_| {});
    let outcome = client.download(&fixture.request().thread_num(1)).expect("download");
    fixture.assert_whole(&outcome);
    let traces = all(&traces);
    assert_consistent(&traces, &outcome.statistics);
    assert_logged(&fixture, &traces);
    use RequestEnd::{Broken, Complete, Refused, Stalled, Unusable};
    assert_eq!(ends(&traces), [Refused, Complete, Broken, Broken, Stalled, Unusable, Complete]);
    let short = |trace: &RequestTrace| (trace.status, trace.bytes);
    assert_eq!(short(&traces[0]), (503, 0));
    assert_eq!((short(&traces[2]), traces[2].curl_code), ((206, 50_000), 56));
    assert_eq!((short(&traces[3]), traces[3].first_byte), ((0, 0), None));
    assert_ne!(traces[3].curl_code, 0);
    assert_eq!((short(&traces[4]), traces[4].curl_code), ((206, 1000), 0));
    assert_eq!(short(&traces[5]), (206, 0));
}

#[test]
fn a_first_reply_that_does_not_match_is_unusable() {
    let fixture = Fixture::new(MIB);
    fixture.server.inject_when(Matcher::any().nth(1), Fault::WrongContentRange);
    let (client, traces) = traced(&fixture, |_| {});
    let outcome = client.download(&fixture.request()).expect("download");
    let traces = all(&traces);
    assert_eq!(traces[0].end, RequestEnd::Unusable);
    assert_consistent(&traces, &outcome.statistics);
    assert_logged(&fixture, &traces);
}

#[test]
fn a_request_without_a_connection_has_no_reply() {
    let fixture = Fixture::new(MIB);
    fixture.server.stop();
    let (client, traces) = traced(&fixture, |options| options.max_attempts = 1);
    client.download(&fixture.request()).expect_err("nobody answers");
    let traces = all(&traces);
    let [trace] = &traces[..] else { panic!("{traces:?}") };
    assert_eq!((trace.end, trace.curl_code, trace.status), (RequestEnd::Broken, 7, 0));
    assert_eq!((trace.connected, trace.first_byte, trace.is_reused), (None, None, false));
    assert_eq!((trace.request_id.as_deref(), trace.bytes), (None, 0));
}

#[test]
fn requests_that_are_stopped_say_why() {
    let fixture = Fixture::new(4 * MIB);
    fixture.server.inject(Fault::RateLimit(MIB));
    let (client, traces) = traced(&fixture, |_| {});
    let download = client.start(&fixture.request().thread_num(4)).expect("start");
    wait_for_progress(&download, MIB);
    client.set_max_connections(2).expect("set");
    wait_for_progress(&download, 3 * MIB / 2);
    download.pause();
    while fixture.server.active_connections() > 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    download.resume();
    wait_for_progress(&download, 2 * MIB);
    download.cancel();
    download.wait(None).expect("no limit").expect_err("cancelled");
    let traces = all(&traces);
    assert_eq!(only(RequestEnd::Yielded, &traces).len(), 2, "{traces:?}");
    assert!((1..=2).contains(&only(RequestEnd::Paused, &traces).len()), "{traces:?}");
    assert!((1..=2).contains(&only(RequestEnd::Stopped, &traces).len()), "{traces:?}");
    assert_eq!(traces.len() as u64, download.status().statistics.requests);
    assert_eq!(traces.len(), fixture.server.requests().len());
}

#[test]
fn a_request_that_a_cancelled_download_leaves_is_traced_before_its_end() {
    let fixture = Fixture::new(MIB);
    fixture.server.inject(Fault::NoReply);
    let (client, traces) = traced(&fixture, |_| {});
    let download = client.start(&fixture.request()).expect("start");
    while fixture.server.requests().is_empty() {
        std::thread::sleep(Duration::from_millis(1));
    }
    download.cancel();
    download.wait(None).expect("no limit").expect_err("cancelled");
    let traces = all(&traces);
    assert_eq!(ends(&traces), [RequestEnd::Stopped]);
    assert_eq!((traces[0].status, traces[0].bytes), (0, 0));
}

#[test]
fn a_slow_connection_that_is_replaced_is_called_slow() {
    let fixture = Fixture::new(6 * MIB);
    fixture.server.inject_when(Matcher::any().nth(2), Fault::RateLimit(1280));
    fixture.server.inject_when(Matcher::any().from(3), Fault::RateLimit(MIB));
    let (client, traces) = traced(&fixture, |_| {});
    let outcome = client.download(&fixture.request().thread_num(3)).expect("download");
    let traces = all(&traces);
    assert_consistent(&traces, &outcome.statistics);
    let slow = only(RequestEnd::Slow, &traces);
    assert!(!slow.is_empty() && slow[0].bytes < PART, "{traces:?}");
    assert!(!only(RequestEnd::Shared, &traces).is_empty() || slow.len() == 1, "{traces:?}");
}

#[test]
fn a_head_request_is_told_as_one() {
    let fixture = Fixture::new(MIB);
    let mut request = fixture.request();
    request.overwrite = Overwrite::Fail;
    fixture.server.inject_when(Matcher::any().nth(2), Fault::RoundTrip(Duration::from_millis(500)));
    // A run that ends between its last byte and its rename leaves all bytes; nothing is missing.
    let mut in_the_way = |status: &oss_resumable::Status| {
        if status.bytes_done > 0 && !fixture.target().exists() {
            std::fs::write(fixture.target(), b"in the way").expect("write");
        }
        true
    };
    let (client, traces) = traced(&fixture, |_| {});
    client.download_with(&request, &mut in_the_way).expect_err("in the way");
    std::fs::remove_file(fixture.target()).expect("remove");
    drop(all(&traces));
    client.download(&request).expect("download");
    let traces = all(&traces);
    let [head] = &traces[..] else { panic!("{traces:?}") };
    assert_eq!((head.is_head, head.end, head.bytes), (true, RequestEnd::Complete, 0));
    assert_eq!((head.range_start, head.range_end), (0, None));
}
