//! Replies with permanent errors end the download immediately, at any request.

use local_oss::{Fault, Matcher};
use oss_resumable::{DownloadRequest, ErrorKind};

use crate::fixture::{Fixture, MIB};

use super::{each, fixture, fixture_with_fault, status};

const SIZE: u64 = 2 * MIB;
const CONNECTIONS: usize = 3;

/// Statuses that a retry does not change, with a code of the service's.
const FINAL: [(u16, &str); 12] = [
    (400, "InvalidArgument"),
    (401, "Unauthorized"),
    (403, "AccessDenied"),
    (403, "SignatureDoesNotMatch"),
    (403, "InvalidObjectState"),
    (404, "NoSuchKey"),
    (404, "NoSuchBucket"),
    (405, "MethodNotAllowed"),
    (409, "FileImmutable"),
    (410, "Gone"),
    (501, "NotImplemented"),
    (505, "HttpVersionNotSupported"),
];

/// From its `k`-th request on, every reply of the fixture is `fault`.
fn refusing_from(k: u64, fault: &Fault) -> Fixture {
    let fixture = fixture(SIZE);
    // Short replies, so that there are many requests.
    fixture.server.inject(Fault::CloseAfter(250_000));
    fixture.server.inject_when(Matcher::any().from(k), fault.clone());
    fixture
}

fn requests(fixture: &Fixture) -> [DownloadRequest; 2] {
    [fixture.request(), fixture.request_without_checkpoint()]
}

#[test]
fn a_refusal_at_any_request_is_the_error_and_ends_the_download() {
    let cases = FINAL.into_iter().flat_map(|refusal| (1..=6).map(move |k| (refusal, k)));
    each(cases, |&((number, code), k)| {
        let fixture = refusing_from(k, &status(number, code));
        let request = fixture.request();
        let error = fixture.assert_refuses(&fixture.client(), &request, ErrorKind::Service, code);
        assert_eq!(error.status(), i64::from(number));
        let requests = fixture.server.requests().len();
        assert!(requests <= k as usize + CONNECTIONS, "{requests} requests, refused from {k} on");
        if k > 1 {
            assert!(fixture.journal().is_some(), "the received bytes are kept");
        }
        fixture.assert_recovers(&request);
    });
}

#[test]
fn a_failed_condition_at_any_later_request_is_a_changed_object_after_one_clean_start() {
    each(2..=6, |k| {
        for with_checkpoint in [0, 1] {
            let fixture = refusing_from(*k, &status(412, "PreconditionFailed"));
            let request = &requests(&fixture)[with_checkpoint];
            // The first request of the clean start has no condition but gets 412 too, as if from the user's condition.
            let error = fixture.client().download(request).expect_err("412");
            assert_eq!(error.code(), "PreconditionFailed", "{error}");
            fixture.assert_old_file(request);
            assert!(fixture.server.requests().len() <= *k as usize + CONNECTIONS + 1);
            fixture.assert_recovers(request);
        }
    });
    let fixture =
        fixture_with_fault(SIZE, Matcher::any().nth(2), status(412, "PreconditionFailed"));
    fixture.assert_downloads(&fixture.client(), &fixture.request());
}

#[test]
fn a_range_that_cannot_be_satisfied_at_any_request_is_the_error() {
    each(1..=6, |k| {
        for with_checkpoint in [0, 1] {
            let fixture = refusing_from(*k, &status(416, "InvalidRange"));
            let request = &requests(&fixture)[with_checkpoint];
            let kind = ErrorKind::Service;
            let error = fixture.assert_refuses(&fixture.client(), request, kind, "InvalidRange");
            assert_eq!(error.status(), 416);
            assert!(fixture.server.requests().len() <= *k as usize + CONNECTIONS + 1);
            fixture.assert_recovers(request);
        }
    });
}

#[test]
fn a_proxys_refusal_is_final_too() {
    each([400, 403, 404, 407, 451], |number| {
        let fixture = refusing_from(2, &Fault::Html(*number));
        let request = fixture.request();
        let code = format!("ServerError:{number}");
        fixture.assert_refuses(&fixture.client(), &request, ErrorKind::Service, &code);
        assert!(fixture.server.requests().len() <= 2 + CONNECTIONS);
        fixture.assert_recovers(&request);
    });
}
