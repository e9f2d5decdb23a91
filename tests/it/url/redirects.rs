//! Redirects of a URL.

use std::sync::atomic::{AtomicUsize, Ordering};

use local_oss::{Config, Fault, Matcher, Object, Tls};
use oss_resumable::ErrorKind;

use crate::fixture::{BUCKET, Fixture, KEY, MIB, PART};

use super::server::{Reply, Scripted};
use super::{client, client_with, link, provider};

const SIZE: usize = MIB as usize;

fn object() -> Vec<u8> {
    (0..SIZE).map(|n| (n * 7 + n / 251) as u8).collect()
}

#[test]
fn every_kind_of_redirect_is_followed_once_and_later_requests_go_to_its_address() {
    for status in [301, 302, 303, 307, 308] {
        let fixture = Fixture::new(MIB);
        let target = link(&fixture);
        let first = Scripted::start(move |_, _| Reply::redirect(status, &target));
        let outcome =
            client().download(&fixture.request_for(first.url("/a/file"))).expect("download");
        fixture.assert_whole(&outcome);
        assert_eq!(first.requests().len(), 1);
        assert!(fixture.server.requests().len() > 1);
        fixture.server.requests().iter().for_each(super::assert_bare);
    }
}

#[test]
fn a_relative_location_stays_on_its_server() {
    let bytes = object();
    let expected = bytes.clone();
    let server = Scripted::start(move |_, request| match request.target.as_str() {
        "/a/b/start?x" => Reply::redirect(302, "../c/./next?y=1#part"),
        "/a/c/next?y=1" => Reply::redirect(302, "/last"),
        "/last" => Reply::redirect(302, "?q"),
        "/last?q" => Reply::part(&bytes, request, &["ETag: \"e\""]),
        other => panic!("{other}"),
    });
    let fixture = Fixture::new(1);
    let outcome =
        client().download(&fixture.request_for(server.url("/a/b/start?x"))).expect("found");
    assert_eq!(outcome.file_size, MIB);
    assert!(std::fs::read(fixture.target()).expect("file") == expected);
}

#[test]
fn five_redirects_are_followed_a_sixth_and_a_circle_are_clear_errors() {
    let chain = |length: usize| {
        Scripted::start(move |_, request| {
            let at: usize = request.target[1..].parse().expect("a number");
            match at < length {
                true => Reply::redirect(307, &format!("/{}", at + 1)),
                false => Reply::part(&[3; 1000], request, &["ETag: \"e\""]),
            }
        })
    };
    let fixture = Fixture::new(1);
    let five = chain(5);
    client().download(&fixture.request_for(five.url("/0"))).expect("five redirects");
    assert_eq!(five.requests().len(), 6);
    let six = chain(6);
    let error = client().download(&fixture.request_for(six.url("/0"))).expect_err("too many");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Service, "RedirectError"));
    assert_eq!((error.status(), six.requests().len()), (307, 6));
    let circle = Scripted::start(|_, request| {
        Reply::redirect(302, if request.target == "/0" { "/1" } else { "/0" })
    });
    let error = client().download(&fixture.request_for(circle.url("/0"))).expect_err("a circle");
    assert_eq!(error.code(), "RedirectError");
    assert!(error.message().contains("circle"), "{error}");
    assert_eq!(circle.requests().len(), 2);
}

#[test]
fn credentials_of_the_user_never_leave_the_host() {
    let other = Scripted::serving(object(), &["ETag: \"e\""]);
    let away = other.url("/away");
    let first = Scripted::start(move |_, request| match request.target.as_str() {
        "/start" => Reply::redirect(302, "/near"),
        _ => Reply::redirect(302, &away),
    });
    let fixture = Fixture::new(1);
    let mut request = fixture.request_for(first.url("/start"));
    let header = |name: &str| (name.to_owned(), "SECRET".to_owned());
    let private = ["Authorization", "Cookie", "X-Api-Key", "x-oss-security-thing"];
    request.extra_headers = private.iter().map(|name| header(name)).collect();
    request.extra_headers.push(("Accept-Language".to_owned(), "de".to_owned()));
    client().download(&request).expect("download");
    for near in first.requests() {
        assert!(private.iter().all(|name| near.header(name) == Some("SECRET")));
    }
    assert!(other.requests().len() > 1);
    for away in other.requests() {
        assert!(away.headers.iter().all(|(_, value)| value != "SECRET"), "{away:?}");
        assert_eq!(away.header("Accept-Language"), Some("de"));
    }
}

#[test]
fn a_newer_url_on_another_host_gets_no_credentials_of_the_user() {
    let other = Scripted::serving(object(), &["ETag: \"e\""]);
    let fixture = Fixture::new(1);
    let old = "http://127.0.0.1:9/x?Expires=1000000000&Signature=b";
    let mut request = fixture.request_for(old).url_provider(provider([other.url("/x")]));
    request.extra_headers = vec![("Authorization".to_owned(), "SECRET".to_owned())];
    client().download(&request).expect("download");
    assert!(other.requests().iter().all(|request| request.header("Authorization").is_none()));
}

#[test]
fn https_never_becomes_http() {
    let config = Config { tls: Some(Tls::Valid), ..Config::default() };
    let fixture = Fixture::with(config, Object::pattern(PART, 7));
    let plain = Scripted::serving(vec![1; 100], &["ETag: \"e\""]);
    fixture.server.inject(Fault::Redirect(plain.url("/x")));
    let trusting = || {
        let ca_file = fixture.server.ca_file().map(std::path::Path::to_owned);
        client_with(|options| options.ca_file = ca_file)
    };
    let error = trusting().download(&fixture.request_for(link(&fixture))).expect_err("plain");
    assert_eq!((error.code(), error.status()), ("RedirectError", 307));
    assert!(error.message().contains("from https to http"), "{error}");
    fixture.server.clear_faults();
    let old = format!("{}/x?Expires=1000000000&Signature=b", fixture.server.endpoint());
    let request = fixture.request_for(old).url_provider(provider(vec![plain.url("/x"); 5]));
    let error = trusting().download(&request).expect_err("plain");
    assert_eq!(error.code(), "UrlProviderError");
    assert!(plain.requests().is_empty());
    let target = link(&fixture);
    let up = Scripted::start(move |_, _| Reply::redirect(302, &target));
    let outcome = trusting().download(&fixture.request_for(up.url("/x"))).expect("to https");
    fixture.assert_whole(&outcome);
}

#[test]
fn an_address_of_a_redirect_that_expires_is_asked_for_anew_and_the_download_goes_on() {
    let fixture = Fixture::new(MIB);
    fixture.server.inject(Fault::CloseAfter(100_000));
    let code = "AccessDenied".to_owned();
    let refused = Fault::Status { status: 403, code, retry_after: None };
    fixture.server.inject_when(Matcher::any().every(4), refused);
    let target = link(&fixture);
    let first = Scripted::start(move |_, _| Reply::redirect(302, &target));
    let request = fixture.request_for(first.url("/x")).thread_num(1);
    let outcome = client().download(&request).expect("download");
    fixture.assert_whole(&outcome);
    assert!(first.requests().len() >= 3, "{}", first.requests().len());
    assert_eq!(outcome.statistics.bytes_from_network, MIB);
}

#[test]
fn an_address_that_is_always_refused_is_asked_for_anew_only_once() {
    let fixture = Fixture::new(MIB);
    let code = "AccessDenied".to_owned();
    fixture.server.inject(Fault::Status { status: 403, code, retry_after: None });
    let target = link(&fixture);
    let first = Scripted::start(move |_, _| Reply::redirect(302, &target));
    let error = client().download(&fixture.request_for(first.url("/x"))).expect_err("refused");
    assert_eq!((error.status(), error.code()), (403, "AccessDenied"));
    assert_eq!((first.requests().len(), fixture.server.requests().len()), (2, 2));
}

#[test]
fn mirrors_that_serve_different_objects_never_make_one_file() {
    let turn = AtomicUsize::new(0);
    let mirrors = Scripted::start(move |_, request| {
        let body = |byte: u8| vec![byte; 6 * PART as usize];
        match request.target.as_str() {
            "/x" => Reply::redirect(302, &format!("/{}", turn.fetch_add(1, Ordering::SeqCst) % 2)),
            "/0" if request.range(1).is_some_and(|(first, _)| first == 0) => {
                Reply::part(&body(0), request, &["ETag: \"a\""])
            }
            "/0" => Reply::new("403 Forbidden", &["Content-Length: 0"], ""),
            _ => Reply::part(&body(1), request, &["ETag: \"b\""]),
        }
    });
    let fixture = Fixture::new(1);
    let outcome = client().download(&fixture.request_for(mirrors.url("/x"))).expect("the second");
    assert_eq!(outcome.etag.as_deref(), Some("b"));
    assert!(std::fs::read(fixture.target()).expect("file").iter().all(|byte| *byte == 1));
}

#[test]
fn a_redirect_of_a_bucket_s_endpoint_is_still_not_followed() {
    let fixture = Fixture::new(PART);
    let plain = Scripted::serving(vec![1; 100], &["ETag: \"e\""]);
    fixture.server.inject(Fault::Redirect(plain.url("/x")));
    fixture.client().download(&fixture.request()).expect_err("a redirect");
    assert!(plain.requests().is_empty());
    assert!(fixture.server.object(BUCKET, KEY).is_some());
}
