//! Listings that are ended early, and what they share with downloads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use local_oss::{Auth, Fault, Key, LoggedRequest, Matcher, Object};
use oss_resumable::{
    AccessKey, Client, Credentials, CredentialsProvider, Error, ErrorKind, ListCanceller,
};

use super::{error, fixture_with, names, pages, request};
use crate::fixture::{BUCKET, Fixture, ID, MIB, SECRET, wait_for_progress};

/// Far more than a cancel takes, for a busy machine; the listing would otherwise wait for ever.
const AT_ONCE: Duration = Duration::from_secs(5);

/// A server that never answers a request for a page, and a client that waits for it.
fn silent() -> (Fixture, Client) {
    let fixture = fixture_with(3);
    fixture.server.inject_when(pages(), Fault::NoReply);
    let client = fixture.client_with(|options| {
        (options.idle_timeout, options.first_byte_limit) = (None, None);
    });
    (fixture, client)
}

fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let give_up_at = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < give_up_at, "never: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The error of a listing that waits for its first page when `end` is called.
fn ended_by(
    fixture: &Fixture,
    client: &Client,
    end: impl FnOnce(&Client, &ListCanceller),
) -> Error {
    let mut listing = client.list_objects(&request()).expect("start");
    let canceller = listing.canceller();
    std::thread::scope(|scope| {
        let waits = scope.spawn(move || listing.next().expect("not the end").expect_err("ended"));
        until("a request", || fixture.server.requests().len() == 1);
        let started = Instant::now();
        end(client, &canceller);
        let error = waits.join().expect("join");
        assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
        error
    })
}

#[test]
fn a_cancel_ends_a_listing_that_waits_for_a_page() {
    let (fixture, client) = silent();
    let error = ended_by(&fixture, &client, |_, canceller| canceller.cancel());
    assert_eq!((error.kind(), error.code()), (ErrorKind::Cancelled, "Cancelled"));
    assert!(error.message().contains("listing of oss://examplebucket/"), "{error}");
    until("an end of the request", || fixture.server.active_connections() == 0);
}

#[test]
fn a_cancel_between_two_pages_ends_the_listing_at_the_next_one() {
    let fixture = fixture_with(4);
    let mut listing = fixture.client().list_objects(&request().max_keys(2)).expect("start");
    listing.next().expect("an entry").expect("it is listed");
    listing.canceller().cancel();
    listing.next().expect("an entry").expect("it was received");
    let error = listing.next().expect("not the end").expect_err("cancelled");
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(listing.next().is_none());
    assert_eq!(fixture.server.requests().len(), 1);
}

#[test]
fn a_shutdown_of_the_client_ends_its_listings_and_refuses_new_ones() {
    let (fixture, client) = silent();
    let error = ended_by(&fixture, &client, |client, _| client.shutdown());
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    let error = client.list_objects(&request()).expect_err("closed");
    assert_eq!(error.kind(), ErrorKind::Cancelled);
}

#[test]
fn disabling_requests_ends_listings_until_they_are_enabled_again() {
    let (fixture, client) = silent();
    let error = ended_by(&fixture, &client, |client, _| {
        client.disable_requests().expect("disabled");
    });
    assert_eq!((error.kind(), error.code()), (ErrorKind::Disabled, "ClientError:100002"));
    assert_eq!(client.list_objects(&request()).expect_err("refused").kind(), ErrorKind::Disabled);
    fixture.server.clear_faults();
    client.enable_requests().expect("enabled");
    assert_eq!(names(&client, &request()).expect("a listing").len(), 3);
}

#[test]
fn a_deadline_covers_the_whole_listing() {
    let (_fixture, client) = silent();
    let mut limited = request();
    limited.deadline = Some(Duration::from_millis(300));
    let error = error(&client, &limited);
    assert_eq!((error.kind(), error.code()), (ErrorKind::Deadline, "DeadlineExceeded"));

    let fixture = fixture_with(4);
    limited.deadline = Some(Duration::from_secs(2));
    let mut listing = fixture.client().list_objects(&limited.max_keys(2)).expect("start");
    listing.next().expect("an entry").expect("in time");
    std::thread::sleep(Duration::from_millis(2050));
    listing.next().expect("an entry").expect("it was received");
    let error = listing.next().expect("not the end").expect_err("late");
    assert_eq!(error.kind(), ErrorKind::Deadline);
}

#[test]
fn a_listing_may_outlive_its_client() {
    let fixture = fixture_with(4);
    let client = fixture.client();
    let listing = client.list_objects(&request().max_keys(2)).expect("start");
    drop(client);
    assert_eq!(listing.filter_map(Result::ok).count(), 4);
}

#[test]
fn a_listing_that_is_dropped_in_its_middle_leaves_nothing_behind() {
    let fixture = fixture_with(4);
    let client = fixture.client();
    for _ in 0..3 {
        let mut listing = client.list_objects(&request().max_keys(2)).expect("start");
        listing.next().expect("an entry").expect("it is listed");
    }
    client.shutdown();
    until("closed connections", || fixture.server.active_connections() == 0);
}

#[test]
fn nothing_is_sent_for_a_request_that_is_not_valid() {
    let fixture = fixture_with(3);
    let client = fixture.client();
    let error = client.list_objects(&request().max_keys(1001)).expect_err("refused");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Validation, "ValidateError"));
    let client = fixture.client_with(|options| options.region = None);
    let error = client.list_objects(&request()).expect_err("refused");
    assert!(error.message().contains("region"), "{error}");
    assert_eq!(fixture.server.connections(), 0);
}

struct Provider(Arc<AtomicU32>);

impl CredentialsProvider for Provider {
    fn fetch(&self) -> Result<AccessKey, String> {
        match self.0.fetch_add(1, Ordering::SeqCst) {
            0 => Ok(AccessKey::new(ID, SECRET, Some("first".to_owned()))),
            1 => Err("try again".to_owned()),
            _ => Ok(AccessKey::new(ID, SECRET, Some("second".to_owned()))),
        }
    }
}

#[test]
fn a_token_that_expires_between_two_pages_is_replaced() {
    let fixture = fixture_with(4);
    let accept = |token: &str| {
        let (id, secret) = (ID.to_owned(), SECRET.to_owned());
        let token = Some(token.to_owned());
        fixture.server.set_auth(Auth::Keys(vec![Key { id, secret, token, expires: None }]));
    };
    accept("first");
    let calls = Arc::new(AtomicU32::new(0));
    let provider = Arc::new(Provider(calls.clone()));
    let client =
        fixture.client_with(|options| options.credentials = Credentials::Provider(provider));
    let mut listing = client.list_objects(&request().max_keys(2)).expect("start");
    assert!(listing.by_ref().take(2).all(|entry| entry.is_ok()));
    accept("second");
    let rest: Vec<_> = listing.collect();
    assert!(rest.len() == 2 && rest.iter().all(Result::is_ok), "{rest:?}");
    assert_eq!(calls.load(Ordering::SeqCst), 3);
}

struct Slow(mpsc::Receiver<()>);

// Only one thread asks at a time.
struct Shared(std::sync::Mutex<Slow>);

impl CredentialsProvider for Shared {
    fn fetch(&self) -> Result<AccessKey, String> {
        let _ = self.0.lock().expect("lock").0.recv();
        Err("too late".to_owned())
    }
}

#[test]
fn a_listing_that_waits_for_the_credentials_provider_has_a_limit_and_can_be_cancelled() {
    let fixture = fixture_with(3);
    for limit in [Some(Duration::from_millis(600)), None] {
        let (answer, answers) = mpsc::channel();
        let provider = Arc::new(Shared(std::sync::Mutex::new(Slow(answers))));
        let client = fixture.client_with(|options| {
            options.credentials = Credentials::Provider(provider);
            options.first_byte_limit = limit;
        });
        let mut listing = client.list_objects(&request()).expect("start");
        if limit.is_none() {
            listing.canceller().cancel();
        }
        let error = listing.next().expect("not the end").expect_err("no key");
        match limit {
            Some(_) => assert_eq!(error.code(), "CredentialsError", "{error}"),
            None => assert_eq!(error.kind(), ErrorKind::Cancelled),
        }
        drop(answer);
    }
    assert_eq!(fixture.server.connections(), 0);
}

#[test]
fn a_listing_waits_for_a_connection_when_downloads_use_all_of_them() {
    let fixture = fixture_with(3);
    fixture.server.put(BUCKET, "0-big", Object::pattern(4 * MIB, 7));
    fixture.server.inject_when(Matcher::any().key("0-big"), Fault::RateLimit(2 * MIB));
    let client = fixture.client_with(|options| options.max_connections = 1);
    let mut download = fixture.request();
    download.key = "0-big".to_owned();
    let download = client.start(&download.thread_num(1)).expect("start");
    wait_for_progress(&download, 1);
    assert_eq!(names(&client, &request()).expect("a listing").len(), 4);
    download.wait(None).expect("an end").expect("a file");
    let requests = fixture.server.requests();
    for (at, one) in requests.iter().enumerate() {
        let overlaps = |other: &LoggedRequest| one.finished.is_none_or(|end| end > other.received);
        assert!(!requests[at + 1..].iter().any(overlaps), "two requests at once");
    }
}

#[test]
fn several_threads_list_with_one_client() {
    let fixture = fixture_with(50);
    let client = fixture.client();
    std::thread::scope(|scope| {
        let lists: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| names(&client, &request().max_keys(7)).expect("a listing")))
            .collect();
        for listed in lists {
            assert_eq!(listed.join().expect("join").len(), 50);
        }
    });
}

#[test]
fn a_pause_of_the_client_does_not_hold_up_a_listing() {
    let fixture = fixture_with(3);
    let client = fixture.client();
    client.pause().expect("paused");
    assert_eq!(names(&client, &request()).expect("a listing").len(), 3);
}
