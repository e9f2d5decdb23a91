//! A service that asks for less traffic. It is reachable, so only a time limit decides when to give up, and requests
//! become fewer.

use std::time::Duration;

use local_oss::{Fault, LoggedRequest, Matcher};
use oss_resumable::{Client, ErrorKind};

use crate::fixture::{Fixture, MIB};

use super::{each, fixture, fixture_with_fault, header, millis, status};

const SIZE: u64 = 4 * MIB;

/// OSS's codes for it, with their statuses.
const WORDS: [(u16, &str); 8] = [
    (503, "DownloadTrafficRateLimitExceeded"),
    (503, "TotalQpsLimitExceeded"),
    (503, "MetaOperationQpsLimitExceeded"),
    (503, "CpuLimitExceeded"),
    (503, "ServiceUnavailable"),
    (503, "ActiveRequestLimitExceeded"),
    (429, "QpsLimitExceeded"),
    (400, "SlowDown"),
];

fn throttled(number: u16, code: &str, retry_after: Option<u64>) -> Fault {
    let retry_after = retry_after.map(Duration::from_secs);
    Fault::Status { status: number, code: code.to_owned(), retry_after }
}

fn is_refused(request: &LoggedRequest) -> bool {
    !matches!(request.status, Some(200 | 206))
}

/// A client that accepts throttling for `limit`.
fn client_with_limit(fixture: &Fixture, limit: Option<Duration>) -> Client {
    fixture.client_with(|options| options.throttle_limit = limit)
}

/// Largest number of requests that were unanswered at the same time.
fn most_at_once(requests: &[LoggedRequest]) -> usize {
    let at = |time| {
        let open = |r: &&LoggedRequest| r.received <= time && r.finished.is_none_or(|f| f > time);
        requests.iter().filter(open).count()
    };
    requests.iter().map(|request| at(request.received)).max().unwrap_or(0)
}

#[test]
fn five_refusals_at_the_start_with_retry_after_are_waited_out() {
    each(
        [(503, "DownloadTrafficRateLimitExceeded"), (429, "QpsLimitExceeded")],
        |(number, code)| {
            let fixture = fixture_with_fault(
                SIZE,
                Matcher::any().times(5),
                throttled(*number, code, Some(1)),
            );
            let outcome = fixture.assert_downloads(&fixture.client(), &fixture.request());
            let requests = fixture.server.requests();
            for pair in requests[..6].windows(2) {
                let pause = pair[1].received - pair[0].finished.expect("answered");
                assert!(pause >= millis(1000), "{pause:?}");
            }
            assert_eq!(outcome.statistics.retries_service, 5);
            assert!(outcome.statistics.throttled_ms >= 5000, "{:?}", outcome.statistics);
        },
    );
}

#[test]
fn every_throttling_code_is_understood_also_without_retry_after() {
    each(WORDS, |(number, code)| {
        let fixture =
            fixture_with_fault(SIZE, Matcher::any().times(4), throttled(*number, code, None));
        let outcome = fixture.assert_downloads(&fixture.client(), &fixture.request());
        assert_eq!(outcome.statistics.retries_service, 4, "{code}");
        assert!(outcome.statistics.throttled_ms >= 100 + 200 + 400 + 800, "{code}");
    });
}

#[test]
fn an_error_of_the_service_with_retry_after_is_throttling() {
    let fixture =
        fixture_with_fault(SIZE, Matcher::any().times(4), throttled(500, "InternalError", Some(0)));
    let outcome = fixture.assert_downloads(&fixture.client(), &fixture.request());
    assert_eq!(outcome.statistics.retries_service, 4, "more than three attempts");
}

#[test]
fn throttling_in_the_middle_of_a_download_is_waited_out_too() {
    each(WORDS, |(number, code)| {
        for retry_after in [None, Some(1)] {
            let matcher = Matcher::any().from(2).times(5);
            let fixture = fixture_with_fault(SIZE, matcher, throttled(*number, code, retry_after));
            let outcome = fixture.assert_downloads(&fixture.client(), &fixture.request());
            assert!(outcome.statistics.retries_service >= 1, "{code}");
        }
    });
}

#[test]
fn endless_throttling_is_the_service_s_error_after_the_limit() {
    each([Matcher::any(), Matcher::any().from(2)], |matcher| {
        let code = "TotalQpsLimitExceeded";
        let fixture = fixture_with_fault(SIZE, matcher.clone(), status(503, code));
        let request = fixture.request();
        let client = client_with_limit(&fixture, Some(millis(1500)));
        let error = fixture.assert_refuses(&client, &request, ErrorKind::Service, code);
        assert!(error.message().contains("1.5s is the limit (throttle_limit)"), "{error}");
        assert!(fixture.server.requests().len() > 3, "it was bounded by time, not by attempts");
        fixture.assert_recovers(&request);
    });
}

#[test]
fn other_time_limits_do_not_apply_while_the_service_throttles() {
    let fixture =
        fixture_with_fault(SIZE, Matcher::any().times(3), throttled(503, "Busy", Some(1)));
    let client = fixture.client_with(|options| {
        options.first_byte_limit = Some(millis(900));
        options.no_progress_limit = Some(millis(900));
    });
    fixture.assert_downloads(&client, &fixture.request());
}

#[test]
fn a_wait_requested_by_one_reply_applies_to_all_connections() {
    let fixture = fixture(SIZE);
    fixture
        .server
        .inject_when(Matcher::any().nth(3), throttled(503, "TotalQpsLimitExceeded", Some(1)));
    fixture.server.inject_when(Matcher::any().from(4), Fault::RoundTrip(millis(20)));
    fixture.assert_downloads(&fixture.client(), &fixture.request().thread_num(4));
    let requests = fixture.server.requests();
    let refused = requests.iter().find(|request| is_refused(request)).expect("refused");
    let answered = refused.finished.expect("answered");
    // Those that had been sent before.
    let started = |r: &&LoggedRequest| r.received > answered + millis(100);
    let next = requests.iter().filter(started).map(|request| request.received).min();
    assert!(next.expect("one later") - answered >= millis(1000));
}

#[test]
fn a_requested_wait_does_not_count_as_a_stall_if_another_connection_still_receives() {
    let fixture = fixture(SIZE);
    fixture.server.inject(Fault::RateLimit(4 * MIB));
    let refusal = throttled(503, "TotalQpsLimitExceeded", Some(3));
    fixture.server.inject_when(Matcher::any().nth(2), refusal);
    let client = fixture.client_with(|options| options.no_progress_limit = Some(millis(1000)));
    let outcome = fixture.assert_downloads(&client, &fixture.request().thread_num(2));
    assert_eq!(outcome.statistics.retries_service, 1);
}

#[test]
fn more_connections_do_not_try_more_often_while_the_service_throttles() {
    let requests = |threads| {
        let fixture = fixture(16 * MIB);
        let code = "TotalQpsLimitExceeded";
        fixture.server.inject_when(Matcher::any().from(2), status(503, code));
        let client = client_with_limit(&fixture, Some(millis(3000)));
        let request = fixture.request().thread_num(threads);
        let error = client.download(&request).expect_err("throttled");
        assert_eq!((error.kind(), error.code()), (ErrorKind::Service, code));
        fixture.server.requests().len()
    };
    let alone = requests(1);
    each([2, 16], |threads| {
        let (sent, first_wave) = (requests(*threads), usize::try_from(*threads).expect("few"));
        // Jitter decides whether there is time for another request.
        assert!(sent <= alone + first_wave + 2, "{threads}: {sent}, alone: {alone}");
    });
}

#[test]
fn refusals_that_arrive_together_halve_the_connections_once() {
    let fixture = fixture(64 * MIB);
    fixture.server.inject(Fault::RateLimit(2 * MIB));
    fixture.server.inject(Fault::RoundTrip(millis(100)));
    let refusals = Matcher::any().from(2).times(15);
    fixture.server.inject_when(refusals, status(503, "TotalQpsLimitExceeded"));
    fixture.assert_downloads(&fixture.client(), &fixture.request().thread_num(16));
    let requests = fixture.server.requests();
    let refused_at = requests.iter().filter(|r| is_refused(r)).filter_map(|r| r.finished).max();
    let refused_at = refused_at.expect("refused");
    // One connection a second is added later.
    let soon = |r: &LoggedRequest| !is_refused(r) && r.received < refused_at + millis(3000);
    let soon: Vec<_> = requests.into_iter().filter(soon).collect();
    assert!((7..=11).contains(&most_at_once(&soon)), "{}", most_at_once(&soon));
}

#[test]
fn a_new_start_waits_for_the_requested_time_too() {
    let fixture = fixture(SIZE);
    fixture.server.inject_when(Matcher::any().times(4), Fault::RateLimit(4 * MIB));
    let refusal = throttled(503, "TotalQpsLimitExceeded", Some(2));
    fixture.server.inject_when(Matcher::any().nth(3), refusal);
    fixture.server.inject_when(Matcher::any().nth(4), Fault::RoundTrip(millis(150)));
    fixture.server.inject_when(Matcher::any().nth(4), Fault::NewGeneration);
    fixture.assert_downloads(&fixture.client(), &fixture.request().thread_num(4));
    let requests = fixture.server.requests();
    let answered = requests[2].finished.expect("answered");
    assert_eq!((requests[2].status, requests[3].status), (Some(503), Some(412)));
    // The first one of a start is not pinned.
    let anew = requests[4..].iter().find(|request| request.header("If-Match").is_none());
    assert!(anew.expect("a new start").received - answered >= millis(2000));
}

#[test]
fn connections_are_reduced_when_there_are_too_many_concurrent_requests() {
    let fixture = fixture(SIZE);
    fixture.server.inject(Fault::RateLimit(4 * MIB));
    let limit = Matcher::any().above_active(3);
    fixture.server.inject_when(limit, status(503, "ActiveRequestLimitExceeded"));
    let outcome = fixture.assert_downloads(&fixture.client(), &fixture.request().thread_num(8));
    let requests = fixture.server.requests();
    let first = requests.iter().position(is_refused).expect("eight are too many");
    let settled = requests[first].received + millis(100);
    let later: Vec<_> = requests.into_iter().filter(|r| r.received > settled).collect();
    assert!(most_at_once(&later) <= 4, "{later:#?}");
    assert!(outcome.statistics.retries_service >= 1);
}

#[test]
fn replies_that_the_service_delays_are_counted() {
    let fixture = fixture(SIZE);
    fixture.server.inject_when(Matcher::any().times(2), Fault::QosDelay(millis(120)));
    let outcome = fixture.assert_downloads(&fixture.client(), &fixture.request());
    assert_eq!(outcome.statistics.throttled_ms, 240);
    assert_eq!(outcome.statistics.retries_service, 0);
}

#[test]
fn a_delay_of_a_refused_or_empty_first_reply_is_counted() {
    let refused = fixture(SIZE);
    let first = Matcher::any().nth(1);
    refused.server.inject_when(first.clone(), status(503, "TotalQpsLimitExceeded"));
    refused.server.inject_when(first, header("x-oss-qos-delay-time", Some("5000")));
    let outcome = refused.assert_downloads(&refused.client(), &refused.request());
    assert!(outcome.statistics.throttled_ms > 5000, "{:?}", outcome.statistics);

    let empty = fixture(0);
    empty.server.inject(Fault::QosDelay(millis(120)));
    let outcome = empty.assert_downloads(&empty.client(), &empty.request());
    assert!(outcome.statistics.throttled_ms >= 120, "{:?}", outcome.statistics);
}

#[test]
fn reported_delays_beyond_any_time_are_the_maximum() {
    let fixture = fixture(SIZE);
    let longest = u64::MAX.to_string();
    fixture
        .server
        .inject_when(Matcher::any().times(2), header("x-oss-qos-delay-time", Some(&longest)));
    let outcome = fixture.assert_downloads(&fixture.client(), &fixture.request());
    assert_eq!(outcome.statistics.throttled_ms, u64::MAX);
}

#[test]
fn a_download_that_is_not_throttled_reports_zero() {
    let fixture = fixture(SIZE);
    let outcome = fixture.assert_downloads(&fixture.client(), &fixture.request());
    assert_eq!(outcome.statistics.throttled_ms, 0);
}

#[test]
fn with_max_attempts_of_one_throttling_is_not_waited_out() {
    let fixture = fixture_with_fault(SIZE, Matcher::any(), status(503, "ServiceUnavailable"));
    let client = fixture.client_with(|options| options.max_attempts = 1);
    fixture.assert_refuses(&client, &fixture.request(), ErrorKind::Service, "ServiceUnavailable");
    assert_eq!(fixture.server.requests().len(), 1);
}

#[test]
fn a_wait_for_the_service_ends_at_a_cancel() {
    let fixture = fixture_with_fault(SIZE, Matcher::any(), throttled(503, "Busy", Some(50)));
    let download = fixture.client().start(&fixture.request()).expect("start");
    while fixture.server.requests().is_empty() {
        std::thread::sleep(millis(1));
    }
    download.cancel();
    let error = download.wait(Some(millis(5000))).expect("at once").expect_err("cancelled");
    assert_eq!(error.kind(), ErrorKind::Cancelled);
}
