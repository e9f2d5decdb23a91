//! URLs that expire before and during a download.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use local_oss::{Fault, Matcher};
use oss_resumable::{Client, DownloadRequest, ErrorKind, LogLevel, SignatureVersion};

use crate::effort::cases;
use crate::fixture::{Fixture, MIB, PART, wait_for_progress};

use super::server::{Reply, Scripted};
use super::{client, client_with, presigned, provider};

const SIZE: u64 = 2 * MIB;
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
/// Ahead of this machine's clock by so much, the server refuses what is valid for an hour.
const LATER: i64 = 2 * 3600;

/// A server that sends short and slow replies, so that many are needed.
fn fixture() -> Fixture {
    let fixture = Fixture::new(SIZE);
    fixture.server.inject(Fault::CloseAfter(200_000));
    fixture.server.inject(Fault::RateLimit(2 * MIB));
    fixture
}

fn soon(fixture: &Fixture) -> DownloadRequest {
    fixture.request_for(presigned(fixture, SignatureVersion::V4, HOUR))
}

/// Lets the link expire when a part has come.
fn expire_after_a_part(fixture: &Fixture, download: &oss_resumable::Download) {
    wait_for_progress(download, PART);
    fixture.server.set_clock_offset(LATER);
}

#[test]
fn a_link_that_expires_during_the_download_is_renewed_and_no_byte_is_fetched_twice() {
    for version in [SignatureVersion::V1, SignatureVersion::V4] {
        let fixture = fixture();
        let newer = presigned(&fixture, version, DAY);
        let request = soon(&fixture).url_provider(provider([newer]));
        let download = client().start(&request).expect("start");
        expire_after_a_part(&fixture, &download);
        let outcome = download.wait(None).expect("no limit").expect("renewed");
        fixture.assert_whole(&outcome);
        assert_eq!(outcome.statistics.bytes_from_network, SIZE);
        assert!(outcome.statistics.retries_auth >= 1);
    }
}

#[test]
fn a_link_may_expire_at_any_request() {
    for k in 1..=u64::from(cases(5, 12)) {
        let fixture = Fixture::new(SIZE);
        fixture.server.inject(Fault::CloseAfter(200_000));
        let code = "AccessDenied".to_owned();
        let refused = Fault::Status { status: 403, code, retry_after: None };
        fixture.server.inject_when(Matcher::any().nth(k), refused);
        let url = presigned(&fixture, SignatureVersion::V4, HOUR);
        let request = fixture.request_for(&url).url_provider(provider(vec![url.clone(); 3]));
        let result = client().download(&request);
        if k == 1 {
            // It has not worked before, and the error does not call it expired.
            assert_eq!(result.expect_err("refused").status(), 403);
            continue;
        }
        let outcome = result.expect("renewed");
        fixture.assert_whole(&outcome);
        assert_eq!(outcome.statistics.bytes_from_network, SIZE);
    }
}

#[test]
fn without_a_provider_the_error_says_when_the_link_expired_and_a_new_link_resumes() {
    for version in [SignatureVersion::V1, SignatureVersion::V4] {
        let fixture = fixture();
        let request = fixture.request_for(presigned(&fixture, version, HOUR));
        let download = client().start(&request).expect("start");
        expire_after_a_part(&fixture, &download);
        let error = download.wait(None).expect("no limit").expect_err("expired");
        assert_eq!((error.kind(), error.status()), (ErrorKind::Service, 403));
        assert_eq!(error.code(), "AccessDenied");
        let expected = date(HOUR);
        assert!(error.message().contains(&format!("The URL expired at {expected}")), "{error}");
        drop(download);
        let newer = fixture.request_for(presigned(&fixture, version, DAY));
        let outcome = client().download(&newer).expect("resume");
        fixture.assert_whole(&outcome);
        assert!(outcome.statistics.bytes_reused >= PART);
    }
}

/// The date, without the time, that is `later`.
fn date(later: Duration) -> String {
    let at = jiff::Timestamp::now() + jiff::SignedDuration::try_from(later).expect("short");
    at.to_string()[..10].to_owned()
}

#[test]
fn a_link_that_has_expired_already_is_not_sent_if_there_is_a_provider() {
    let fixture = Fixture::new(SIZE);
    let fresh = presigned(&fixture, SignatureVersion::V1, HOUR);
    let old = "http://127.0.0.1:9/x?OSSAccessKeyId=a&Expires=1000000000&Signature=b";
    let request = fixture.request_for(old).url_provider(provider([fresh]));
    fixture.assert_whole(&client().download(&request).expect("download"));
    let error = client().download(&fixture.request_for(old)).expect_err("nobody is there");
    assert_eq!(error.kind(), ErrorKind::Transport, "it is sent, as only the server's clock counts");
}

#[test]
fn a_new_link_of_another_object_starts_over_and_of_ever_other_ones_is_an_error() {
    let fixture = fixture();
    let other = Scripted::serving(vec![5; 3 * PART as usize], &["ETag: \"o\""]);
    let request = soon(&fixture).url_provider(provider([other.url("/other")]));
    let download = client().start(&request).expect("start");
    expire_after_a_part(&fixture, &download);
    let outcome = download.wait(None).expect("no limit").expect("another object");
    assert_eq!(std::fs::read(fixture.target()).expect("file"), vec![5; 3 * PART as usize]);
    assert_eq!(outcome.etag.as_deref(), Some("o"));

    let generation = AtomicUsize::new(0);
    let restless = Scripted::start(move |_, request| {
        let etag = format!("ETag: \"{}\"", generation.fetch_add(1, Ordering::SeqCst));
        Reply::part(&[6; 10 * PART as usize], request, &[&etag])
    });
    let error = client().download(&fixture.request_for(restless.url("/x"))).expect_err("changes");
    assert_eq!(error.code(), "ObjectChanged", "{error}");
    assert_eq!(std::fs::read(fixture.target()).expect("file"), vec![5; 3 * PART as usize]);
}

#[test]
fn a_provider_without_a_usable_url_is_an_error_that_keeps_the_received_bytes() {
    for (answer, words) in [
        (Err("the role\nis gone".to_owned()), "the role is gone"),
        (Ok("ftp://host/x?SECRET".to_owned()), "not http or https"),
        (Ok(String::new()), "not usable"),
        (Ok("http://SECRET:SECRET@host/x".to_owned()), "user name"),
    ] {
        let fixture = fixture();
        let request = soon(&fixture).url_provider(move || answer.clone());
        let download = client().start(&request).expect("start");
        expire_after_a_part(&fixture, &download);
        let error = download.wait(None).expect("no limit").expect_err("no URL");
        assert_eq!(error.code(), "UrlProviderError", "{error}");
        assert!(error.message().contains(words), "{error}");
        assert!(!error.message().contains("SECRET"), "{error}");
        assert!(fixture.journal().is_some() && fixture.temp().exists());
    }
}

#[test]
fn a_provider_that_fails_once_or_panics_once_is_asked_again() {
    for panics in [false, true] {
        let fixture = fixture();
        let newer = presigned(&fixture, SignatureVersion::V4, DAY);
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let request =
            soon(&fixture).url_provider(move || match count.fetch_add(1, Ordering::SeqCst) {
                0 if panics => panic!("no URL yet"),
                0 => Err("no URL yet".to_owned()),
                _ => Ok(newer.clone()),
            });
        let download = client().start(&request).expect("start");
        expire_after_a_part(&fixture, &download);
        fixture.assert_whole(&download.wait(None).expect("no limit").expect("renewed"));
        assert_eq!(asked.load(Ordering::SeqCst), 2);
    }
}

#[test]
fn links_that_are_refused_repeatedly_are_an_error_after_few_requests() {
    let fixture = Fixture::new(SIZE);
    fixture.server.set_clock_offset(LATER);
    let old = presigned(&fixture, SignatureVersion::V4, HOUR);
    let request = fixture.request_for(&old).url_provider(provider(vec![old.clone(); 50]));
    let error = client().download(&request).expect_err("always expired");
    assert_eq!(error.code(), "AccessDenied");
    assert!(fixture.server.requests().len() <= 3);
}

#[test]
fn a_provider_is_asked_once_at_a_time_on_a_thread_of_its_own_and_a_cancel_does_not_wait_for_it() {
    let fixture = fixture();
    let (release, released) = crossbeam_channel::bounded::<()>(0);
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let request = soon(&fixture).url_provider(move || {
        count.fetch_add(1, Ordering::SeqCst);
        let _ = released.recv();
        Err("too late".to_owned())
    });
    let client: Client = client();
    let download = client.start(&request).expect("start");
    expire_after_a_part(&fixture, &download);
    while asked.load(Ordering::SeqCst) == 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    let cancelled = Instant::now();
    download.cancel();
    let error = download.wait(None).expect("no limit").expect_err("cancelled");
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(cancelled.elapsed() < Duration::from_secs(5), "it waited for the provider");
    drop(release);
    client.shutdown();
}

#[test]
fn a_provider_that_does_not_answer_is_named_when_the_limit_has_passed() {
    let fixture = Fixture::new(SIZE);
    let (release, released) = crossbeam_channel::bounded::<()>(0);
    let old = "http://127.0.0.1:9/x?Expires=1000000000&Signature=b";
    let request = fixture.request_for(old).url_provider(move || {
        let _ = released.recv();
        Err("too late".to_owned())
    });
    let client = client_with(|options| {
        options.first_byte_limit = Some(Duration::from_millis(300));
        options.log_level = LogLevel::Debug;
    });
    let error = client.download(&request).expect_err("silent");
    assert_eq!(error.code(), "UrlProviderError");
    assert!(error.message().contains("URL provider has not answered"), "{error}");
    drop(release);
}

#[test]
fn a_link_that_expires_during_a_pause_is_renewed_after_it() {
    let fixture = fixture();
    let newer = presigned(&fixture, SignatureVersion::V4, DAY);
    let request = soon(&fixture).url_provider(provider([newer]));
    let download = client().start(&request).expect("start");
    wait_for_progress(&download, PART);
    download.pause();
    while download.status().phase != oss_resumable::Phase::Paused {
        std::thread::sleep(Duration::from_millis(1));
    }
    fixture.server.set_clock_offset(LATER);
    download.resume();
    let outcome = download.wait(None).expect("no limit").expect("renewed");
    fixture.assert_whole(&outcome);
    assert_eq!(outcome.statistics.bytes_discarded, 0);
}
