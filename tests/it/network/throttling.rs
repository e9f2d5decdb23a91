//! A service that asks for less traffic. It is reachable, so only a time limit decides when to give up, and requests
//! become fewer.

use std::time::Duration;

use local_oss::{Fault, LoggedRequest, Matcher};
use oss_resumable::{Client, ErrorKind};

use crate::fixture::{Fixture, MIB};

use super::{each, fixture, fixture_with_fault, millis, status};

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
