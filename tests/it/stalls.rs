//! Waits that no error ends: a silent connection without an idle time-out, a provider that does not answer.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use local_oss::{Fault, Matcher};
use oss_resumable::{
    AccessKey, Client, ClientOptions, Credentials, CredentialsProvider, ErrorKind, FailedAttempt,
    RetryVerdict,
};

use crate::fixture::{Fixture, ID, MIB, PART, SECRET};

const LIMIT: Duration = Duration::from_millis(500);

/// A client without an idle time-out.
fn client_without_idle_timeout(
    fixture: &Fixture,
    change: impl FnOnce(&mut ClientOptions),
) -> Client {
    fixture.client_with(|options| {
        options.idle_timeout = None;
        change(options);
    })
}

fn limit_first_byte(options: &mut ClientOptions) {
    options.first_byte_limit = Some(LIMIT);
}

fn limit_silence(options: &mut ClientOptions) {
    options.no_progress_limit = Some(LIMIT);
}

#[test]
fn a_first_byte_that_does_not_arrive_ends_the_wait() {
    let fixture = Fixture::new(2 * MIB);
    fixture.server.inject(Fault::NoReply);
    let error = client_without_idle_timeout(&fixture, limit_first_byte)
        .download(&fixture.request())
        .expect_err("a stall");
    assert_eq!((error.kind(), error.status()), (ErrorKind::Transport, 200_028), "{error}");
    assert!(
        error.message().contains("no data has arrived for 500ms (first_byte_limit)"),
        "{error}"
    );
    assert_eq!(fixture.server.requests().len(), 1);
    assert_eq!(fixture.files(), [""; 0]);
}

#[test]
fn a_next_byte_that_does_not_arrive_ends_the_wait_and_keeps_the_received_bytes() {
    let fixture = Fixture::new(2 * MIB);
    fixture.server.inject_when(Matcher::any().from(2), Fault::StallAfter(1000));
    let error = client_without_idle_timeout(&fixture, limit_silence)
        .download(&fixture.request())
        .expect_err("a stall");
    assert_eq!((error.kind(), error.status()), (ErrorKind::Transport, 200_028), "{error}");
    assert!(
        error.message().contains("no data has arrived for 500ms (no_progress_limit)"),
        "{error}"
    );
    fixture.server.clear_faults();
    let outcome = fixture.client().download(&fixture.request()).expect("resume");
    fixture.assert_whole(&outcome);
    assert!(outcome.statistics.bytes_reused >= PART + 1000);
}

#[test]
fn the_error_of_an_attempt_is_reported_when_the_next_one_gets_no_reply() {
    let fixture = Fixture::new(2 * MIB);
    let busy = Fault::Status { status: 503, code: "SlowDown".to_owned(), retry_after: None };
    fixture.server.inject_when(Matcher::any().nth(1), busy);
    fixture.server.inject_when(Matcher::any().from(2), Fault::NoReply);
    let client =
        client_without_idle_timeout(&fixture, |options| options.first_byte_limit = Some(4 * LIMIT));
    let error = client.download(&fixture.request()).expect_err("a stall");
    assert_eq!((error.code(), error.status()), ("SlowDown", 503), "{error}");
    assert!(error.message().contains("no data has arrived for 2s"), "{error}");
}

/// Answers with these keys, and then blocks until the test has ended.
struct Hanging {
    keys: Receiver<AccessKey>,
}

impl CredentialsProvider for Hanging {
    fn fetch(&self) -> Result<AccessKey, String> {
        self.keys.recv().map_err(|_| "the test is over".to_owned())
    }
}

/// A provider that answers once for each message that is sent.
fn hanging() -> (Sender<AccessKey>, Credentials) {
    let (answers, keys) = bounded(1);
    (answers, Credentials::Provider(Arc::new(Hanging { keys })))
}

#[test]
fn a_provider_that_does_not_answer_ends_the_wait() {
    let fixture = Fixture::new(10);
    let (answers, credentials) = hanging();
    let client = client_without_idle_timeout(&fixture, |options| {
        options.credentials = credentials;
        limit_first_byte(options);
    });
    let error = client.download(&fixture.request()).expect_err("no key");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Service, "CredentialsError"));
    assert!(error.message().contains("has not answered for 500ms (first_byte_limit)"), "{error}");
    assert!(fixture.server.requests().is_empty());
    drop(answers);
}

#[test]
fn a_provider_that_does_not_answer_again_ends_the_wait_and_keeps_the_received_bytes() {
    let fixture = Fixture::new(2 * MIB);
    fixture.server.inject_when(Matcher::any().from(2), Fault::ExpiredToken);
    let (answers, credentials) = hanging();
    answers.send(AccessKey::new(ID, SECRET, None)).expect("room");
    let client = client_without_idle_timeout(&fixture, |options| {
        options.credentials = credentials;
        limit_silence(options);
    });
    let error = client.download(&fixture.request()).expect_err("no key");
    assert_eq!(error.code(), "CredentialsError", "{error}");
    assert!(error.message().contains("has not answered for 500ms (no_progress_limit)"), "{error}");
    fixture.server.clear_faults();
    let outcome = fixture.client().download(&fixture.request()).expect("resume");
    fixture.assert_whole(&outcome);
    assert_eq!(outcome.statistics.bytes_reused, PART);
    drop(answers);
}

#[test]
fn a_delay_that_the_host_decided_on_is_not_a_stall() {
    let fixture = Fixture::new(2 * MIB);
    let busy = Fault::Status { status: 503, code: "SlowDown".to_owned(), retry_after: None };
    fixture.server.inject_when(Matcher::any().from(2).times(1), busy);
    let client = client_without_idle_timeout(&fixture, |options| {
        options.no_progress_limit = Some(4 * LIMIT);
        options.retry = Some(Arc::new(|_: FailedAttempt<'_>| RetryVerdict::After(7 * LIMIT)));
    });
    let outcome = client.download(&fixture.request().thread_num(1)).expect("after the pause");
    fixture.assert_whole(&outcome);
}

/// Limits of the client and of the download that are never reached.
const WIDE: [(u64, u64); 2] = [(1 << 40, 0), (0, 1 << 40)];

#[test]
fn a_stall_under_a_bandwidth_limit_ends_the_wait() {
    for (client, own) in WIDE {
        let fixture = Fixture::new(2 * MIB);
        fixture.server.inject_when(Matcher::any().from(2), Fault::StallAfter(1000));
        let request = fixture.request_with(|request| {
            request.max_bandwidth = own;
            request.deadline = Some(Duration::from_secs(60));
        });
        let client = client_without_idle_timeout(&fixture, |options| {
            options.max_bandwidth = client;
            limit_silence(options);
        });
        let error = client.download(&request).expect_err("a stall");
        assert!(error.message().contains("no data has arrived for 500ms"), "{error}");
    }
}

#[test]
fn an_unavailable_service_is_given_up_under_a_bandwidth_limit_too() {
    let fixture = Fixture::new(2 * MIB);
    let busy = Fault::Status { status: 503, code: "SlowDown".to_owned(), retry_after: None };
    fixture.server.inject_when(Matcher::any().from(2), busy);
    let request = fixture.request_with(|request| {
        request.max_bandwidth = 1 << 40;
        request.deadline = Some(Duration::from_secs(60));
    });
    // Longer than the longest pause between two attempts, which would itself exceed the limit otherwise.
    let limit = Some(Duration::from_secs(6));
    let client = client_without_idle_timeout(&fixture, |options| options.no_progress_limit = limit);
    assert_eq!(client.download(&request).expect_err("busy").code(), "SlowDown");
}

#[test]
fn bytes_that_wait_under_a_bandwidth_limit_are_not_a_stall() {
    let fixture = Fixture::new(40_000);
    // libcurl delivers 16 KiB at once: more than a second's worth.
    let request = fixture.request_with(|request| request.max_bandwidth = 12_000);
    fixture.assert_whole(
        &client_without_idle_timeout(&fixture, limit_silence).download(&request).expect("slowly"),
    );
}
