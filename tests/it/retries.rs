//! Failures that a retry can mend, and those that it cannot.

use std::sync::Arc;
use std::time::{Duration, Instant};

use local_oss::{Config, Fault, Matcher, Object, Tls};
use oss_resumable::{
    Client, ClientOptions, Error, ErrorKind, FailedAttempt, RetryVerdict, SignatureVersion,
};
use parking_lot::Mutex;

use crate::fixture::{BUCKET, Fixture, KEY, MIB, PART, wait_for_progress};

const SIZE: u64 = 2 * MIB;

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn fixture_with(matcher: Matcher, fault: Fault) -> Fixture {
    let fixture = Fixture::new(SIZE);
    fixture.server.inject_when(matcher, fault);
    fixture
}

fn status(status: u16, code: &str) -> Fault {
    Fault::Status { status, code: code.to_owned(), retry_after: None }
}

/// A client that gives up a silent connection after 0.2 s.
fn client_with_short_idle_timeout(fixture: &Fixture) -> Client {
    fixture.client_with(|options| options.idle_timeout = Some(millis(200)))
}

/// Runs a download that must fail; returns the error and how long it took.
fn failure(fixture: &Fixture, client: &Client) -> (Error, Duration) {
    let started = Instant::now();
    let error = client.download(&fixture.request()).expect_err("it must fail");
    (error, started.elapsed())
}

/// Faults that deliver no usable byte, with the CURLcodes that they may cause; none for an unreadable reply.
fn dead_replies() -> Vec<(Fault, Vec<i64>)> {
    vec![
        (Fault::ResetBeforeHeaders, vec![56, 55]),
        (Fault::CloseBeforeHeaders, vec![52]),
        (Fault::NoReply, vec![28]),
        (Fault::StallAfter(0), vec![28]),
        (Fault::NotHttp, vec![]),
    ]
}

#[test]
fn the_first_request_has_three_attempts() {
    for (fault, codes) in dead_replies() {
        let fixture = fixture_with(Matcher::any(), fault.clone());
        let (error, _) = failure(&fixture, &client_with_short_idle_timeout(&fixture));
        if codes.is_empty() {
            let invalid = (ErrorKind::Integrity, "InvalidReply", 0);
            assert_eq!((error.kind(), error.code(), error.status()), invalid, "{fault:?}: {error}");
        } else {
            assert_eq!(error.kind(), ErrorKind::Transport, "{fault:?}: {error}");
            assert!(codes.contains(&(error.status() - 200_000)), "{fault:?}: {error}");
            assert_eq!(error.code(), format!("ClientError:{}", error.status()));
        }
        assert_eq!(fixture.server.requests().len(), 3, "{fault:?}");
        assert_eq!(fixture.files(), [""; 0], "{fault:?}");
    }
}

#[test]
fn the_third_attempt_of_the_first_request_may_succeed() {
    for (fault, _) in dead_replies() {
        let fixture = fixture_with(Matcher::any().times(2), fault.clone());
        let outcome = client_with_short_idle_timeout(&fixture)
            .download(&fixture.request())
            .expect("the third attempt");
        fixture.assert_whole(&outcome);
        let figures = outcome.statistics;
        let retries = figures.retries_broken + figures.retries_timeout + figures.retries_reply;
        assert_eq!(retries, 2, "{fault:?}");
    }
}

#[test]
fn a_later_request_without_a_usable_byte_is_repeated() {
    for (fault, _) in dead_replies() {
        let fixture = fixture_with(Matcher::any().from(2).times(4), fault.clone());
        let outcome = client_with_short_idle_timeout(&fixture)
            .download(&fixture.request())
            .expect("after progress");
        fixture.assert_whole(&outcome);
        assert_eq!(outcome.statistics.bytes_from_network, SIZE, "{fault:?}");
    }
}

#[test]
fn a_broken_connection_continues_at_its_byte() {
    const CUT: u64 = 300_000;
    for fault in [
        Fault::ResetAfter(CUT),
        Fault::CloseAfter(CUT),
        Fault::StallAfter(CUT),
        Fault::HalfCloseAfter(CUT),
    ] {
        let fixture = fixture_with(Matcher::any().nth(2), fault.clone());
        let request = fixture.request().thread_num(1);
        let outcome =
            client_with_short_idle_timeout(&fixture).download(&request).expect("continue");
        fixture.assert_whole(&outcome);
        let figures = outcome.statistics;
        assert_eq!((figures.bytes_from_network, figures.bytes_discarded), (SIZE, 0), "{fault:?}");
        assert_eq!(figures.retries_broken + figures.retries_timeout, 1, "{fault:?}");
        let requests = fixture.server.requests();
        let ranges: Vec<_> = requests.iter().map(|r| r.range.as_deref().unwrap_or("")).collect();
        let end = SIZE - 1;
        assert_eq!(ranges[..2], ["bytes=0-102399", &format!("bytes={PART}-{end}")]);
        assert_eq!(ranges[2..], [format!("bytes={}-{end}", PART + CUT)], "{fault:?}");
    }
}

#[test]
fn connections_that_break_repeatedly_cost_almost_nothing() {
    let fixture = fixture_with(Matcher::any(), Fault::ResetAfter(200_000));
    let outcome = fixture.client().download(&fixture.request()).expect("each run makes progress");
    fixture.assert_whole(&outcome);
    let sent: u64 = fixture.server.requests().iter().map(|request| request.body_bytes).sum();
    assert!(sent - SIZE < 64 * 1024, "{} bytes were sent in vain", sent - SIZE);
    assert_eq!(outcome.statistics.bytes_from_network, SIZE);
    assert!(outcome.statistics.retries_broken >= SIZE / 200_000 - 3);
}

#[test]
fn the_first_retry_after_progress_does_not_wait() {
    let fixture = fixture_with(Matcher::any(), Fault::CloseAfter(200_000));
    let outcome = fixture.client().download(&fixture.request().thread_num(1)).expect("download");
    // Ten breaks at 100 ms or more each would take longer.
    assert!(outcome.statistics.elapsed < millis(1000), "{:?}", outcome.statistics);
}

#[test]
fn a_request_to_a_busy_service_is_retried() {
    for (number, code) in
        [(500, "InternalError"), (503, "ServiceUnavailable"), (429, "TooManyRequests")]
    {
        for matcher in [Matcher::any().times(2), Matcher::any().from(2).times(5)] {
            let fixture = fixture_with(matcher, status(number, code));
            let outcome = fixture.client().download(&fixture.request()).expect(code);
            fixture.assert_whole(&outcome);
            assert!(outcome.statistics.retries_service >= 2, "{:?}", outcome.statistics);
            assert_eq!(outcome.statistics.retries_broken, 0);
        }
    }
}

#[test]
fn a_service_that_stays_busy_is_an_error() {
    let fixture = fixture_with(Matcher::any(), status(500, "InternalError"));
    let (error, _) = failure(&fixture, &fixture.client());
    assert_eq!((error.kind(), error.status()), (ErrorKind::Service, 500));
    assert_eq!(error.code(), "InternalError");
    assert!(error.request_id().is_some());
    assert_eq!(fixture.server.requests().len(), 3);
}

#[test]
fn retry_after_is_honoured() {
    for number in [503, 429] {
        let fault = Fault::Status {
            status: number,
            code: "Busy".to_owned(),
            retry_after: Some(Duration::from_secs(1)),
        };
        let fixture = fixture_with(Matcher::any().times(1), fault);
        fixture.assert_whole(&fixture.client().download(&fixture.request()).expect("later"));
        let requests = fixture.server.requests();
        let pause = requests[1].received - requests[0].finished.expect("answered");
        assert!(pause >= millis(1000) && pause < millis(1900), "{pause:?}");
    }
}

#[test]
fn refusals_stop_every_connection_at_once() {
    for (number, code) in [(403, "AccessDenied"), (404, "NoSuchKey"), (401, "Unauthorized")] {
        let fixture = fixture_with(Matcher::any().from(2), status(number, code));
        let (error, time) = failure(&fixture, &fixture.client());
        assert_eq!((error.status(), error.code()), (i64::from(number), code));
        assert!(fixture.server.requests().len() <= 4, "1 and one for each connection");
        assert!(time < millis(900), "{time:?}");
        assert!(fixture.journal().is_some(), "the received bytes are kept for the next run");
    }
}

#[test]
fn an_unknown_host_fails_at_once() {
    let fixture = Fixture::new(10);
    let attempts = Arc::new(Mutex::new(Vec::new()));
    let seen = attempts.clone();
    let client = fixture.client_with(|options| {
        options.endpoint = "http://nosuch.invalid".to_owned();
        options.connect_timeout = Some(Duration::from_secs(10));
        options.retry = Some(Arc::new(move |attempt: FailedAttempt<'_>| {
            seen.lock().push((attempt.attempts, attempt.status, attempt.would_retry));
            RetryVerdict::Default
        }));
    });
    let (error, _) = failure(&fixture, &client);
    assert_eq!((error.kind(), error.status()), (ErrorKind::Transport, 200_006), "{error}");
    assert!(error.message().contains("nosuch.invalid"), "{error}");
    assert_eq!(*attempts.lock(), [(1, 200_006, false)]);
}

#[test]
fn a_refused_connection_has_three_attempts() {
    let fixture = Fixture::new(10);
    fixture.server.stop();
    let attempts = Arc::new(Mutex::new(Vec::new()));
    let seen = attempts.clone();
    let client = fixture.client_with(|options| {
        options.retry = Some(Arc::new(move |attempt: FailedAttempt<'_>| {
            seen.lock().push((attempt.attempts, attempt.status, attempt.would_retry));
            RetryVerdict::Default
        }));
    });
    let (error, _) = failure(&fixture, &client);
    assert_eq!((error.kind(), error.status()), (ErrorKind::Transport, 200_007), "{error}");
    assert_eq!(*attempts.lock(), [(1, 200_007, true), (2, 200_007, true), (3, 200_007, false)]);
}

#[test]
fn a_server_that_comes_back_on_its_port_is_found_again() {
    let fixture = fixture_with(Matcher::any(), Fault::RateLimit(2 * MIB));
    let client = fixture.client();
    let download = client.start(&fixture.request()).expect("start");
    wait_for_progress(&download, 2 * PART);
    fixture.server.stop();
    std::thread::sleep(millis(300));
    assert!(download.wait(Some(Duration::ZERO)).is_none(), "it has not given up");
    fixture.server.restart().expect("restart");
    let outcome = download.wait(None).expect("no limit").expect("download");
    fixture.assert_whole(&outcome);
    assert_eq!(outcome.statistics.bytes_from_network, SIZE);
    assert!(outcome.statistics.retries_connect >= 1, "{:?}", outcome.statistics);
    assert!(outcome.statistics.retries_broken >= 1, "{:?}", outcome.statistics);
}

#[test]
fn a_handshake_that_takes_too_long_times_out() {
    let config = Config { tls: Some(Tls::Valid), ..Config::default() };
    let fixture = Fixture::with(config, Object::pattern(10, 7));
    fixture.server.inject(Fault::RoundTrip(Duration::from_secs(5)));
    let client = fixture.client_with(|options| options.connect_timeout = Some(millis(200)));
    let (error, time) = failure(&fixture, &client);
    assert_eq!((error.kind(), error.status()), (ErrorKind::Transport, 200_028), "{error}");
    assert!(time > millis(600) && time < millis(3000), "three attempts took {time:?}");
}

#[test]
fn one_attempt_means_no_retry() {
    for matcher in [Matcher::any(), Matcher::any().from(2)] {
        let fixture = fixture_with(matcher, Fault::CloseAfter(50_000));
        let client = fixture.client_with(|options| options.max_attempts = 1);
        let request = fixture.request().thread_num(1);
        let error = client.download(&request).expect_err("the connection breaks");
        assert_eq!(error.kind(), ErrorKind::Transport, "{error}");
        let struck = fixture.server.requests().iter().filter(|r| r.body_bytes == 50_000).count();
        assert_eq!(struck, 1);
    }
}

#[test]
fn the_time_before_the_first_byte_is_limited() {
    let fixture = fixture_with(Matcher::any(), status(500, "InternalError"));
    let client = fixture.client_with(|options| {
        options.max_attempts = 1000;
        options.first_byte_limit = Some(millis(700));
    });
    let (error, time) = failure(&fixture, &client);
    assert_eq!(error.status(), 500);
    assert!(fixture.server.requests().len() > 1 && time < millis(1200), "{time:?}");
}

#[test]
fn the_time_without_progress_is_limited() {
    let fixture = fixture_with(Matcher::any().from(2), status(500, "InternalError"));
    let client = fixture.client_with(|options| options.no_progress_limit = Some(millis(700)));
    let (error, time) = failure(&fixture, &client);
    assert_eq!(error.status(), 500);
    let requests = fixture.server.requests().len();
    assert!(requests > 4 && time < millis(1500), "{requests} requests in {time:?}");
    assert!(fixture.journal().is_some());
}

#[test]
fn a_deadline_ends_a_download_and_keeps_its_checkpoint() {
    let fixture = fixture_with(Matcher::any().from(2), Fault::StallAfter(1000));
    let client = fixture.client_with(|options| options.idle_timeout = None);
    let request = fixture.request_with(|request| request.deadline = Some(millis(300)));
    let started = Instant::now();
    let error = client.download(&request).expect_err("stalled");
    let time = started.elapsed();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Deadline, "DeadlineExceeded"));
    assert!(time >= millis(300) && time < millis(1300), "{time:?}");
    fixture.server.clear_faults();
    let outcome = client.download(&fixture.request()).expect("resume");
    fixture.assert_whole(&outcome);
    assert!(outcome.statistics.bytes_reused >= PART);
}

/// Several kinds of silent connection, in which a cancel must not wait for the network.
fn silences() -> Vec<(Matcher, Fault)> {
    let wait = Fault::Status {
        status: 503,
        code: "Busy".to_owned(),
        retry_after: Some(Duration::from_secs(30)),
    };
    vec![
        (Matcher::any(), Fault::NoReply),
        (Matcher::any(), Fault::StallAfter(1000)),
        (Matcher::any().from(2), Fault::StallAfter(1000)),
        (Matcher::any().from(2), wait),
    ]
}

#[test]
fn a_cancel_from_another_thread_ends_a_stalled_download_within_a_second() {
    for (matcher, fault) in silences() {
        let fixture = fixture_with(matcher, fault.clone());
        let client = fixture.client_with(|options| options.idle_timeout = None);
        let download = client.start(&fixture.request()).expect("start");
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| download.wait(None).expect("no limit"));
            std::thread::sleep(millis(100));
            assert!(!waiting.is_finished());
            let cancelled = Instant::now();
            download.cancel();
            let error = waiting.join().expect("join").expect_err("cancelled");
            assert_eq!((error.kind(), error.code()), (ErrorKind::Cancelled, "Cancelled"));
            assert!(cancelled.elapsed() < millis(1000), "{fault:?}: {:?}", cancelled.elapsed());
        });
        fixture.server.clear_faults();
        fixture.assert_whole(&client.download(&fixture.request()).expect("again"));
    }
}

#[test]
fn a_cancel_from_the_progress_callback_ends_a_stalled_download_within_a_second() {
    for (matcher, fault) in silences() {
        let fixture = fixture_with(matcher, fault.clone());
        let client = fixture.client_with(|options| options.idle_timeout = None);
        let started = Instant::now();
        let result =
            client.download_with(&fixture.request(), &mut |_| started.elapsed() < millis(150));
        let error = result.expect_err("cancelled");
        assert_eq!(error.kind(), ErrorKind::Cancelled);
        assert!(started.elapsed() < millis(1150), "{fault:?}: {:?}", started.elapsed());
    }
}

#[test]
fn a_clock_that_is_fast_or_slow_is_corrected() {
    for signature in [SignatureVersion::V1, SignatureVersion::V4] {
        for offset in [3600, -3600, 86_400 * 3] {
            let config = Config { clock_offset: offset, ..Config::default() };
            let fixture = Fixture::with(config, Object::pattern(SIZE, 7));
            let client = fixture.client_with(|options| options.signature = signature);
            let outcome = client.download(&fixture.request()).expect("corrected");
            fixture.assert_whole(&outcome);
            assert_eq!(outcome.statistics.retries_auth, 1, "{signature:?} {offset}");
            let again = client.download(&fixture.request()).expect("the correction is kept");
            assert_eq!(again.statistics.retries_auth, 0);
        }
    }
}

#[test]
fn a_clock_that_becomes_wrong_during_the_download_is_corrected() {
    let fixture = fixture_with(Matcher::any(), Fault::CloseAfter(300_000));
    fixture.server.inject(Fault::RateLimit(2 * MIB));
    let client = fixture.client();
    let download = client.start(&fixture.request()).expect("start");
    wait_for_progress(&download, PART);
    fixture.server.set_clock_offset(7200);
    let outcome = download.wait(None).expect("no limit").expect("corrected");
    fixture.assert_whole(&outcome);
    assert!(outcome.statistics.retries_auth >= 1);
}

#[test]
fn a_wrong_clock_is_an_error_if_correction_is_off() {
    for offset in [3600, -3600] {
        let config = Config { clock_offset: offset, ..Config::default() };
        let fixture = Fixture::with(config, Object::pattern(SIZE, 7));
        let client = fixture.client_with(|options| options.correct_clock = false);
        let (error, _) = failure(&fixture, &client);
        assert_eq!((error.status(), error.code()), (403, "RequestTimeTooSkewed"));
        assert!(error.message().contains("clock"), "{error}");
        assert_eq!(fixture.server.requests().len(), 1);
    }
}

fn with_decider(
    fixture: &Fixture,
    decide: impl Fn(FailedAttempt<'_>) -> RetryVerdict + Send + Sync + 'static,
) -> Client {
    fixture.client_with(|options: &mut ClientOptions| options.retry = Some(Arc::new(decide)))
}

#[test]
fn a_retry_decision_can_stop_a_retry() {
    let fixture = fixture_with(Matcher::any(), status(503, "ServiceUnavailable"));
    let client = with_decider(&fixture, |attempt| {
        assert!(attempt.would_retry && attempt.attempts == 1);
        assert_eq!((attempt.status, attempt.code), (503, "ServiceUnavailable"));
        RetryVerdict::Stop
    });
    let (error, _) = failure(&fixture, &client);
    assert_eq!((error.status(), fixture.server.requests().len()), (503, 1));
}

#[test]
fn a_retry_decision_can_retry_where_the_policy_gives_up() {
    let fixture = fixture_with(Matcher::any().times(6), Fault::CloseBeforeHeaders);
    let client = with_decider(&fixture, |_| RetryVerdict::After(millis(1)));
    fixture.assert_whole(&client.download(&fixture.request()).expect("the seventh attempt"));
}

#[test]
fn a_retry_decision_is_called_for_refusals_too() {
    for matcher in [Matcher::any().times(2), Matcher::any().from(2).times(2)] {
        let fixture = fixture_with(matcher, status(403, "AccessDenied"));
        let client = with_decider(&fixture, |attempt| match attempt.code {
            "AccessDenied" => RetryVerdict::After(millis(1)),
            _ => RetryVerdict::Default,
        });
        fixture.assert_whole(&client.download(&fixture.request()).expect("permitted in the end"));
    }
}

#[test]
fn each_cause_of_a_retry_has_its_counter() {
    let counted = |fault: Fault| {
        let fixture = fixture_with(Matcher::any().nth(2), fault);
        let outcome =
            client_with_short_idle_timeout(&fixture).download(&fixture.request()).expect("mended");
        fixture.assert_whole(&outcome);
        let f = outcome.statistics;
        let retries = [
            f.retries_connect,
            f.retries_broken,
            f.retries_timeout,
            f.retries_service,
            f.retries_auth,
            f.retries_reply,
        ];
        assert_eq!(f.requests, fixture.server.requests().len() as u64);
        retries
    };
    assert_eq!(counted(Fault::CloseAfter(100)), [0, 1, 0, 0, 0, 0]);
    assert_eq!(counted(Fault::StallAfter(100)), [0, 0, 1, 0, 0, 0]);
    assert_eq!(counted(status(500, "InternalError")), [0, 0, 0, 1, 0, 0]);
    assert_eq!(counted(Fault::WrongContentRange), [0, 0, 0, 0, 0, 1]);
}

#[test]
fn an_error_names_the_object_its_bytes_and_the_host() {
    let fixture = fixture_with(Matcher::any(), Fault::CloseBeforeHeaders);
    let (error, _) = failure(&fixture, &fixture.client());
    let whole = format!("oss://{BUCKET}/{KEY}");
    for part in [whole.as_str(), "bytes 0-102399", "127.0.0.1"] {
        assert!(error.message().contains(part), "{error}");
    }
}

#[test]
fn connections_that_fail_while_another_delivers_its_first_bytes_do_not_end_the_download() {
    let fixture = Fixture::new(SIZE);
    fixture.server.inject_when(Matcher::any().nth(1), Fault::RateLimit(PART / 2));
    fixture.server.inject_when(Matcher::any().from(2).times(5), Fault::ResetBeforeHeaders);
    let client = with_decider(&fixture, |attempt| match attempt.would_retry {
        true => RetryVerdict::After(millis(1)),
        false => RetryVerdict::Default,
    });
    let outcome = client.download(&fixture.request().thread_num(2)).expect("download");
    fixture.assert_whole(&outcome);
    assert_eq!(outcome.statistics.retries_broken, 5);
}

#[test]
fn a_head_without_an_end_costs_a_request_and_no_more() {
    // The last reply of a connection with garbage reads like this too.
    let endless = Fault::Header { name: "X-Long".to_owned(), value: Some("x".repeat(200_000)) };
    let fixture = fixture_with(Matcher::any().nth(2), endless);
    let outcome = fixture.client().download(&fixture.request()).expect("download");
    fixture.assert_whole(&outcome);
    assert_eq!(outcome.statistics.retries_reply, 1);
}
