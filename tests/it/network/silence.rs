//! Services that send nothing, or send it very slowly.

use std::time::{Duration, Instant};

use local_oss::{Fault, Matcher};
use oss_resumable::ErrorKind;

use crate::effort::figure;
use crate::fixture::{MIB, PART};

use super::proxy::{How, Proxy, Treatment};
use super::{both_transports, each, fixture, fixture_of, fixture_with_fault, millis};

const SIZE: u64 = 3 * PART;

/// In a handshake or a head, between head and body, in a body.
const PLACES: [u64; 10] = [0, 1, 100, 450, 1000, 2000, 3000, 20_000, 60_000, 102_000];

#[test]
fn a_connection_that_stalls_at_any_byte_is_replaced_and_continued() {
    let mut count = 0;
    for config in both_transports() {
        let cases = PLACES.into_iter().flat_map(|at| [(at, 1), (at, 2)]);
        count += each(cases, |&(at, connection)| {
            let fixture = fixture_of(config.clone(), SIZE);
            let proxy = Proxy::for_one(&fixture, connection, Treatment::Cut(at, How::Stall));
            fixture.assert_downloads(
                &proxy.client_with_idle_timeout(&fixture, millis(900)),
                &fixture.request(),
            );
        });
    }
    figure(&format!("silent at {count} places"));
}

#[test]
fn a_half_closed_connection_is_continued_at_any_byte() {
    let mut count = 0;
    for config in both_transports() {
        let cases = PLACES.into_iter().flat_map(|at| [(at, 1), (at, 2)]);
        count += each(cases, |&(at, connection)| {
            let fixture = fixture_of(config.clone(), SIZE);
            let proxy = Proxy::for_one(&fixture, connection, Treatment::Cut(at, How::HalfClose));
            fixture.assert_downloads(&proxy.client(&fixture), &fixture.request());
        });
    }
    figure(&format!("half-closed at {count} places"));
}

#[test]
fn a_service_that_sends_nothing_is_an_error_after_three_attempts() {
    let first = fixture_with_fault(SIZE, Matcher::any(), Fault::NoReply);
    let request = first.request();
    first.assert_refuses(
        &first.client_with_short_idle_timeout(),
        &request,
        ErrorKind::Transport,
        "ClientError:200028",
    );
    assert_eq!(first.server.requests().len(), 3);
    first.assert_recovers(&request);
}

#[test]
fn a_stall_after_progress_is_an_error_after_the_limit() {
    for fault in [Fault::NoReply, Fault::StallAfter(0), Fault::EndlessHeaders(millis(50))] {
        let fixture = fixture_with_fault(MIB, Matcher::any().from(2), fault);
        let client = fixture.client_with(|options| {
            options.idle_timeout = Some(millis(700));
            options.no_progress_limit = Some(millis(2000));
        });
        let request = fixture.request();
        let code = "ClientError:200028";
        fixture.assert_refuses(&client, &request, ErrorKind::Transport, code);
        assert!(fixture.journal().is_some());
        fixture.assert_recovers(&request);
    }
}

#[test]
fn a_slow_head_is_waited_for_until_the_idle_timeout() {
    for matcher in [Matcher::any().nth(1), Matcher::any().nth(2)] {
        let fixture = fixture_with_fault(SIZE, matcher.clone(), Fault::SlowHeaders(millis(300)));
        let client =
            fixture.client_with(|options| options.idle_timeout = Some(Duration::from_secs(20)));
        let outcome = fixture.assert_downloads(&client, &fixture.request());
        assert_eq!(outcome.statistics.retries_timeout, 0);

        let fixture =
            fixture_with_fault(SIZE, matcher, Fault::SlowHeaders(Duration::from_secs(30)));
        let outcome =
            fixture.assert_downloads(&fixture.client_with_short_idle_timeout(), &fixture.single());
        assert!(outcome.statistics.retries_timeout >= 1);
    }
}

#[test]
fn a_head_that_arrives_byte_by_byte_is_read() {
    let fixture = fixture_with_fault(SIZE, Matcher::any(), Fault::DribbleHeaders(millis(1)));
    let client =
        fixture.client_with(|options| options.idle_timeout = Some(Duration::from_secs(20)));
    let outcome = fixture.assert_downloads(&client, &fixture.request());
    assert_eq!(outcome.statistics.retries_timeout, 0);
}

#[test]
fn a_head_without_an_end_counts_as_a_stall() {
    for k in [1, 2] {
        let fault = Fault::EndlessHeaders(millis(20));
        let fixture = fixture_with_fault(SIZE, Matcher::any().nth(k), fault);
        let started = Instant::now();
        let outcome =
            fixture.assert_downloads(&fixture.client_with_short_idle_timeout(), &fixture.single());
        assert!(outcome.statistics.retries_timeout >= 1, "request {k}");
        assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    }
    let fixture = fixture_with_fault(SIZE, Matcher::any(), Fault::EndlessHeaders(millis(20)));
    let request = fixture.request();
    fixture.assert_refuses(
        &fixture.client_with_short_idle_timeout(),
        &request,
        ErrorKind::Transport,
        "ClientError:200028",
    );
}

#[test]
fn a_body_that_arrives_byte_by_byte_is_not_a_stall() {
    const SMALL: u64 = 4000;
    let allowed = millis(2000);
    each(both_transports(), |config| {
        let fixture = fixture_of(config.clone(), SMALL);
        fixture.server.inject(Fault::Dribble(millis(1)));
        let client = fixture.client_with(|options| options.idle_timeout = Some(allowed));
        let outcome = fixture.assert_downloads(&client, &fixture.request());
        let statistics = outcome.statistics;
        assert!(statistics.elapsed > allowed, "longer than the idle time-out");
        assert_eq!((statistics.retries_timeout, statistics.bytes_from_network), (0, SMALL));
    });
}

#[test]
fn one_very_slow_connection_does_not_delay_the_others() {
    // At a byte every 20 ms its part of the object would take more than an hour.
    let fixture = fixture_with_fault(2 * MIB, Matcher::any().nth(2), Fault::Dribble(millis(20)));
    let started = Instant::now();
    fixture.assert_downloads(&fixture.client(), &fixture.request());
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
}

#[test]
fn a_very_slow_download_can_be_given_a_deadline() {
    let fixture = fixture(MIB);
    fixture.server.inject_when(Matcher::any().from(2), Fault::Dribble(millis(5)));
    let request = fixture.request_with(|request| request.deadline = Some(millis(1500)));
    let kind = ErrorKind::Deadline;
    fixture.assert_refuses(
        &fixture.client_with_short_idle_timeout(),
        &request,
        kind,
        "DeadlineExceeded",
    );
    fixture.assert_recovers(&fixture.request());
}
