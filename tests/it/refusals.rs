//! Replies with permanent errors stop every connection immediately.

use std::time::{Duration, Instant};

use local_oss::{Fault, Matcher};
use oss_resumable::{AccessKey, Credentials, Error, ErrorKind};

use crate::fixture::{Fixture, ID, MIB};

const CONNECTIONS: [u32; 2] = [8, 64];
const SIZE: u64 = 64 * MIB;
/// Far more than a round trip here, for a busy machine; the stopped connections would otherwise wait for ever.
const AT_ONCE: Duration = Duration::from_secs(5);

fn refusals() -> [(u16, &'static str); 5] {
    [
        (401, "Unauthorized"),
        (403, "AccessDenied"),
        (404, "NoSuchKey"),
        (412, "PreconditionFailed"),
        (416, "InvalidRange"),
    ]
}

fn refuse(fixture: &Fixture, matcher: Matcher, (status, code): (u16, &str)) {
    let fault = Fault::Status { status, code: code.to_owned(), retry_after: None };
    fixture.server.inject_when(matcher, fault);
}

/// A download on connections that have no idle time-out; it must fail. Returns the error and the moment of its end.
fn failure(fixture: &Fixture, connections: u32) -> (Error, Instant) {
    let client = fixture.client_with(|options| options.idle_timeout = None);
    let request = fixture.request().thread_num(connections);
    let error = client.download(&request).expect_err("refused");
    (error, Instant::now())
}

/// When the first refusal had been sent, and how many requests followed.
fn after_the_first(fixture: &Fixture, status: u16) -> (Instant, usize) {
    let give_up_at = Instant::now() + Duration::from_secs(10);
    loop {
        let requests = fixture.server.requests();
        let refused = requests.iter().filter(|request| request.status == Some(status));
        if let Some(first) = refused.filter_map(|request| request.finished).min() {
            return (first, requests.iter().filter(|request| request.received > first).count());
        }
        // The server notes what it has sent after the client may have received it.
        assert!(Instant::now() < give_up_at, "a refusal in {requests:?}");
        std::thread::yield_now();
    }
}

#[test]
fn one_refused_request_stops_all_active_connections() {
    for connections in CONNECTIONS {
        for (status, code) in refusals() {
            let fixture = Fixture::new(SIZE);
            let others = u64::from(connections) - 1;
            fixture
                .server
                .inject_when(Matcher::any().from(2).times(others), Fault::StallAfter(1000));
            // Refuses the request of the connection that has delivered the first part.
            refuse(&fixture, Matcher::any().from(others + 2), (status, code));
            let (error, ended) = failure(&fixture, connections);
            assert_eq!((error.kind(), error.status()), (ErrorKind::Service, status.into()));
            assert_eq!(error.code(), code);
            let (first, later) = after_the_first(&fixture, status);
            let requests = fixture.server.requests();
            // 412 means another object: the first request of a clean start is refused as well.
            assert_eq!(later, usize::from(status == 412), "{status}: requests after the refusal");
            assert!(ended - first < AT_ONCE, "{status}: {:?}", ended - first);
            let refused = requests.iter().filter(|r| r.status == Some(status)).count();
            assert_eq!(refused, 1 + later, "{status}: refusals");
        }
    }
}

#[test]
fn refusals_of_all_connections_are_followed_by_no_more_requests_than_connections() {
    for connections in CONNECTIONS {
        for (status, code) in refusals() {
            let fixture = Fixture::new(SIZE);
            refuse(&fixture, Matcher::any().from(2), (status, code));
            let (error, ended) = failure(&fixture, connections);
            assert_eq!((error.status(), error.code()), (status.into(), code));
            let (first, later) = after_the_first(&fixture, status);
            assert!(later <= connections as usize, "{status}: {later} requests after the first");
            assert!(ended - first < AT_ONCE, "{status}: {:?}", ended - first);
            assert!(
                fixture.journal().is_some() || status == 412,
                "{status}: the received bytes are kept"
            );
        }
    }
}

#[test]
fn an_access_key_that_becomes_invalid_stops_all_connections() {
    for connections in CONNECTIONS {
        let fixture = Fixture::new(SIZE);
        let others = u64::from(connections) - 1;
        let stalled = fixture
            .server
            .inject_when(Matcher::any().from(2).times(others), Fault::StallAfter(1000));
        fixture.server.inject_when(Matcher::any().times(1), Fault::RateLimit(MIB / 8));
        let client = fixture.client_with(|options| options.idle_timeout = None);
        let download = client.start(&fixture.request().thread_num(connections)).expect("start");
        let give_up_at = Instant::now() + Duration::from_secs(30);
        while fixture.server.fault_hits(stalled) < others {
            assert!(Instant::now() < give_up_at, "not all connections are at work");
            std::thread::yield_now();
        }
        let wrong = AccessKey::new(ID, "another secret", None);
        client.set_credentials(Credentials::Static(wrong)).expect("set");
        let error = download.wait(None).expect("no limit").expect_err("refused");
        let ended = Instant::now();
        assert_eq!((error.status(), error.code()), (403, "SignatureDoesNotMatch"), "{error}");
        let (first, later) = after_the_first(&fixture, 403);
        assert!(later <= connections as usize, "{later} requests after the refusal");
        assert!(ended - first < AT_ONCE, "{:?}", ended - first);
    }
}
