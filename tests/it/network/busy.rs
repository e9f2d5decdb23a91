//! An overloaded service: 429 and 503, with and without `Retry-After`.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use local_oss::{Fault, LoggedRequest, Matcher};
use oss_resumable::{ErrorKind, LogLevel};
use parking_lot::Mutex;

use crate::fixture::{Fixture, MIB};

use super::{fixture, fixture_with_fault, header, millis, status};

const SIZE: u64 = MIB;
const BUSY: [(u16, &str); 2] = [(429, "TooManyRequests"), (503, "ServiceUnavailable")];

fn busy_for(number: u16, seconds: u64) -> Fault {
    let retry_after = Some(Duration::from_secs(seconds));
    Fault::Status { status: number, code: "Busy".to_owned(), retry_after }
}

/// The time between each refusal and the next request, on one connection.
fn pauses(fixture: &Fixture) -> Vec<Duration> {
    let requests = fixture.requests_after(0);
    let pause = |pair: &[LoggedRequest]| {
        let refused = !matches!(pair[0].status, Some(200 | 206));
        refused.then(|| pair[1].received - pair[0].finished.expect("answered"))
    };
    requests.windows(2).filter_map(pause).collect()
}

#[test]
fn without_retry_after_each_pause_is_longer_than_the_one_before() {
    for (number, code) in BUSY {
        let fixture =
            fixture_with_fault(SIZE, Matcher::any().from(2).times(4), status(number, code));
        let outcome = fixture.assert_downloads(&fixture.client(), &fixture.single());
        assert_eq!(outcome.statistics.retries_service, 4);
        let pauses = pauses(&fixture);
        assert_eq!(pauses.len(), 4);
        for (pause, shortest) in pauses.iter().zip([100, 200, 400, 800]) {
            assert!(*pause >= millis(shortest), "{pauses:?}");
        }
    }
}

#[test]
fn retry_after_is_honoured_by_every_connection_at_any_time_of_the_download() {
    for (number, _) in BUSY {
        for matcher in [Matcher::any().times(1), Matcher::any().from(2).times(3)] {
            let fixture = fixture_with_fault(SIZE, matcher, busy_for(number, 1));
            let started = Instant::now();
            let outcome = fixture.assert_downloads(&fixture.client(), &fixture.request());
            assert!(outcome.statistics.retries_service >= 1);
            assert!(started.elapsed() >= millis(1000));
        }
        let fixture =
            fixture_with_fault(SIZE, Matcher::any().from(2).times(2), busy_for(number, 1));
        fixture.assert_downloads(&fixture.client(), &fixture.single());
        assert!(
            pauses(&fixture).iter().all(|pause| *pause >= millis(1000)),
            "{:?}",
            pauses(&fixture)
        );
    }
}

#[test]
fn retry_after_may_be_a_date() {
    let in_3_s = SystemTime::now() + Duration::from_secs(3);
    let date =
        jiff::Timestamp::try_from(in_3_s).expect("now").strftime("%a, %d %b %Y %H:%M:%S GMT");
    let fixture = fixture(SIZE);
    fixture.server.inject_when(Matcher::any().nth(2), status(503, "Busy"));
    fixture
        .server
        .inject_when(Matcher::any().nth(2), header("Retry-After", Some(&date.to_string())));
    fixture.assert_downloads(&fixture.client(), &fixture.single());
    // The date has no fractions of a second.
    assert!(SystemTime::now() >= in_3_s - Duration::from_secs(1), "it did not wait");
}

#[test]
fn a_zero_or_malformed_retry_after_does_not_end_the_pauses() {
    for value in ["0", "-5", "soon", "", "Thu, 01 Jan 1970 00:00:00 GMT", "99999999999999999999"] {
        let fixture = fixture(SIZE);
        let matcher = Matcher::any().from(2).times(2);
        fixture.server.inject_when(matcher.clone(), status(503, "Busy"));
        fixture.server.inject_when(matcher, header("Retry-After", Some(value)));
        fixture.assert_downloads(&fixture.client(), &fixture.single());
        let pauses = pauses(&fixture);
        assert!(pauses[0] >= millis(100) && pauses[1] >= millis(200), "{value}: {pauses:?}");
    }
}

#[test]
fn a_retry_after_of_an_hour_is_limited_to_a_minute() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = lines.clone();
    let fixture = fixture_with_fault(SIZE, Matcher::any().from(2), busy_for(503, 3600));
    let client = fixture.client_with(|options| {
        options.log = Some(Arc::new(move |_, line: &str| sink.lock().push(line.to_owned())));
        options.log_level = LogLevel::Warn;
    });
    let download = client.start(&fixture.single()).expect("start");
    // A minute, and at most a quarter of one as jitter.
    let minute = |line: &String| ["in 6", "in 7"].iter().any(|time| line.contains(time));
    let waits = || lines.lock().iter().any(minute);
    let give_up_at = Instant::now() + Duration::from_secs(30);
    while !waits() {
        assert!(Instant::now() < give_up_at, "{:?}", lines.lock());
        std::thread::sleep(millis(5));
    }
    assert!(download.wait(Some(millis(100))).is_none(), "it waits");
    download.cancel();
    let error = download.wait(None).expect("no limit").expect_err("cancelled");
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    fixture.assert_old_file(&fixture.single());
    fixture.assert_recovers(&fixture.single());
}

#[test]
fn a_service_that_asks_for_more_time_than_the_limit_is_an_error_at_once() {
    for (number, _) in BUSY {
        let fixture = fixture_with_fault(SIZE, Matcher::any(), busy_for(number, 30));
        let request = fixture.request();
        let started = Instant::now();
        let client = fixture.client_with(|options| options.throttle_limit = Some(millis(20_000)));
        let error = fixture.assert_refuses(&client, &request, ErrorKind::Service, "Busy");
        assert_eq!((error.status(), fixture.server.requests().len()), (i64::from(number), 1));
        assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
        fixture.assert_recovers(&request);
    }
}

#[test]
fn a_service_that_stays_busy_after_progress_is_an_error_that_keeps_the_received_bytes() {
    for (number, code) in BUSY {
        for request in [Fixture::request, Fixture::request_without_checkpoint] {
            let fixture = fixture_with_fault(SIZE, Matcher::any().from(2), status(number, code));
            let client = fixture.client_with(|options| options.throttle_limit = Some(millis(2000)));
            let request = request(&fixture);
            fixture.assert_refuses(&client, &request, ErrorKind::Service, code);
            fixture.assert_recovers(&request);
        }
    }
}

#[test]
fn a_request_to_a_busy_proxy_is_retried() {
    for number in [408, 500, 502, 503, 504, 599] {
        let fixture =
            fixture_with_fault(SIZE, Matcher::any().from(2).times(2), Fault::Html(number));
        let outcome = fixture.assert_downloads(&fixture.client(), &fixture.request());
        assert_eq!(outcome.statistics.retries_service, 2, "{number}");
    }
}
