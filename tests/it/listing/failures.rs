//! Pages that do not come at once, or not at all.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use local_oss::{Fault, Matcher};
use oss_resumable::{ErrorKind, RetryVerdict};

use super::{error, fixture_with, names, pages, request};

fn status(number: u16, code: &str, retry_after: Option<u64>) -> Fault {
    let retry_after = retry_after.map(Duration::from_secs);
    Fault::Status { status: number, code: code.to_owned(), retry_after }
}

#[test]
fn a_page_that_breaks_is_asked_for_again_and_no_entry_comes_twice() {
    for fault in [
        Fault::CloseBeforeHeaders,
        Fault::ResetBeforeHeaders,
        Fault::NotHttp,
        Fault::ResetAfter(700),
        Fault::CloseAfter(700),
        Fault::ShortBody(1),
        Fault::StallAfter(700),
        Fault::Html(502),
        Fault::Html(200),
        status(500, "InternalError", None),
        status(400, "RequestTimeout", None),
        status(503, "ServiceUnavailable", None),
        Fault::GarbageBody,
    ] {
        let fixture = fixture_with(9);
        fixture.server.inject_when(pages().nth(1), fault.clone());
        fixture.server.inject_when(pages().nth(3), fault.clone());
        let listed = names(&fixture.client(), &request().max_keys(3)).expect("a listing");
        let expected: Vec<_> = (0..9).map(|number| format!("{number:04}")).collect();
        assert_eq!(listed, expected, "{fault:?}");
        assert_eq!(fixture.server.requests().len(), 5, "{fault:?}");
    }
}

#[test]
fn a_page_that_always_breaks_is_an_error_after_three_attempts() {
    for (fault, kind, code) in [
        (Fault::CloseBeforeHeaders, ErrorKind::Transport, "ClientError:200052"),
        (Fault::ShortBody(1), ErrorKind::Transport, "ClientError:200018"),
        (Fault::Html(502), ErrorKind::Service, "ServerError:502"),
        (status(500, "InternalError", None), ErrorKind::Service, "InternalError"),
        (Fault::GarbageBody, ErrorKind::Integrity, "InvalidReply"),
        (Fault::NotHttp, ErrorKind::Integrity, "InvalidReply"),
    ] {
        let fixture = fixture_with(3);
        fixture.server.inject_when(pages(), fault.clone());
        let error = error(&fixture.client(), &request());
        assert_eq!((error.kind(), error.code()), (kind, code), "{fault:?}: {error}");
        assert!(error.message().contains("oss://examplebucket/"), "{error}");
        assert_eq!(fixture.server.requests().len(), 3, "{fault:?}");
    }
}

#[test]
fn an_error_that_stays_is_reported_at_once_with_advice() {
    for (fault, code, advice) in [
        (status(403, "AccessDenied", None), "AccessDenied", "oss:ListObjects"),
        (status(404, "NoSuchBucket", None), "NoSuchBucket", "bucket name"),
        (status(400, "InvalidArgument", None), "InvalidArgument", "HTTP 400"),
        (
            Fault::Redirect("http://other.example.com/x?Signature=1".to_owned()),
            "TemporaryRedirect",
            "redirects to http://other.example.com",
        ),
    ] {
        let fixture = fixture_with(3);
        fixture.server.inject_when(pages(), fault);
        let error = error(&fixture.client(), &request().prefix("00"));
        assert_eq!((error.kind(), error.code()), (ErrorKind::Service, code));
        assert!(error.message().starts_with("cannot list oss://examplebucket/00"), "{error}");
        assert!(error.message().contains(advice), "{error}");
        assert!(error.request_id().is_some());
        assert_eq!(fixture.server.requests().len(), 1);
    }
}

#[test]
fn after_a_page_more_than_three_attempts_are_made() {
    let fixture = fixture_with(4);
    fixture.server.inject_when(pages().from(2).times(5), Fault::ResetAfter(100));
    let listed = names(&fixture.client(), &request().max_keys(2)).expect("a listing");
    assert_eq!((listed.len(), fixture.server.requests().len()), (4, 7));
}

#[test]
fn an_error_ends_the_iterator() {
    let fixture = fixture_with(4);
    fixture.server.inject_when(pages().from(2), status(403, "AccessDenied", None));
    let mut listing = fixture.client().list_objects(&request().max_keys(2)).expect("start");
    let found: Vec<_> = listing.by_ref().take(10).map(|entry| entry.is_ok()).collect();
    assert_eq!(found, [true, true, false]);
    assert!(listing.next().is_none());
    assert_eq!(fixture.server.requests().len(), 2);
}

#[test]
fn throttling_is_waited_out_for_the_time_that_the_service_asks_for() {
    let fixture = fixture_with(3);
    let busy = status(503, "TotalQpsLimitExceeded", Some(1));
    fixture.server.inject_when(pages().times(2), busy);
    let client = fixture.client_with(|options| options.max_attempts = 2);
    let started = Instant::now();
    assert_eq!(names(&client, &request()).expect("a listing").len(), 3);
    assert!(started.elapsed() >= Duration::from_secs(2));
    assert_eq!(fixture.server.requests().len(), 3);
}

#[test]
fn throttling_for_longer_than_its_limit_is_an_error() {
    let fixture = fixture_with(3);
    fixture.server.inject_when(pages(), status(429, "QpsLimitExceeded", None));
    let limit = Some(Duration::from_millis(700));
    let client = fixture.client_with(|options| options.throttle_limit = limit);
    let error = error(&client, &request());
    assert_eq!((error.status(), error.code()), (429, "QpsLimitExceeded"));
    assert!(error.message().contains("throttle_limit"), "{error}");
    assert!(fixture.server.requests().len() > 1);
}

#[test]
fn one_attempt_means_no_retry() {
    let fixture = fixture_with(3);
    fixture.server.inject_when(pages().nth(1), Fault::CloseBeforeHeaders);
    let client = fixture.client_with(|options| options.max_attempts = 1);
    error(&client, &request());
    assert_eq!(fixture.server.requests().len(), 1);
}

#[test]
fn the_callback_of_the_host_decides_about_retries() {
    let fixture = fixture_with(3);
    fixture.server.inject_when(pages().times(4), status(403, "AccessDenied", None));
    let seen = Arc::new(AtomicU32::new(0));
    let count = seen.clone();
    let client = fixture.client_with(|options| {
        options.retry = Some(Arc::new(move |attempt| {
            assert_eq!((attempt.status, attempt.would_retry), (403, false));
            count.fetch_max(attempt.attempts, Ordering::SeqCst);
            RetryVerdict::After(Duration::ZERO)
        }));
    });
    assert_eq!(names(&client, &request()).expect("a listing").len(), 3);
    assert_eq!(seen.load(Ordering::SeqCst), 4);
}

#[test]
fn retries_are_logged_without_a_signature() {
    let fixture = fixture_with(3);
    fixture.server.inject_when(pages().times(1), Fault::Html(502));
    let lines = Arc::new(Mutex::new(Vec::new()));
    let log = lines.clone();
    let client = fixture.client_with(|options| {
        options.log_level = oss_resumable::LogLevel::Debug;
        options.log =
            Some(Arc::new(move |_, line| log.lock().expect("lock").push(line.to_owned())));
    });
    names(&client, &request().prefix("0")).expect("a listing");
    let lines = lines.lock().expect("lock");
    assert!(
        lines.iter().any(|line| line.contains("502") && line.contains("trying again")),
        "{lines:?}"
    );
    for line in lines.iter() {
        assert!(line.starts_with("oss://examplebucket/0: "), "{line}");
        assert!(!line.contains("Signature") && !line.contains("Secret"), "{line}");
    }
}

#[test]
fn a_silent_service_is_an_error_after_the_limit() {
    let fixture = fixture_with(3);
    fixture.server.inject_when(Matcher::any(), Fault::NoReply);
    let client = fixture.client_with(|options| {
        options.idle_timeout = None;
        options.first_byte_limit = Some(Duration::from_millis(600));
    });
    let error = error(&client, &request());
    assert_eq!(error.kind(), ErrorKind::Transport);
    assert!(error.message().contains("first_byte_limit"), "{error}");
}

#[test]
fn a_page_that_comes_slowly_is_not_a_stall() {
    let fixture = fixture_with(1);
    fixture.server.inject_when(pages(), Fault::Dribble(Duration::from_millis(2)));
    let client = fixture.client_with(|options| {
        options.first_byte_limit = Some(Duration::from_millis(700));
    });
    let started = Instant::now();
    assert_eq!(names(&client, &request()).expect("a listing").len(), 1);
    assert!(started.elapsed() > Duration::from_millis(700), "{:?}", started.elapsed());
}

#[test]
fn a_wrong_clock_is_corrected() {
    let fixture = fixture_with(3);
    fixture.server.inject_when(pages(), Fault::SkewedClock(3600));
    assert_eq!(names(&fixture.client(), &request()).expect("a listing").len(), 3);
    assert_eq!(fixture.server.requests().len(), 2);
    let client = fixture.client_with(|options| options.correct_clock = false);
    assert_eq!(error(&client, &request()).code(), "RequestTimeTooSkewed");
}
