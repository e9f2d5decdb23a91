//! Servers and URLs that mean harm: the error is clear, and there is never a wrong file.

use std::sync::atomic::{AtomicUsize, Ordering};

use oss_resumable::{Client, DownloadRequest, ErrorKind};

use crate::effort::cases;
use crate::fixture::{Fixture, MIB, PART};

use super::server::{Reply, Request, Scripted};
use super::{client, client_with};

const SIZE: usize = 5 * PART as usize + 77;

fn object() -> Vec<u8> {
    (0..SIZE).map(|n| (n * 11 + n / 253) as u8).collect()
}

/// A client that gives up soon.
fn impatient() -> Client {
    client_with(|options| options.max_attempts = 2)
}

#[test]
fn urls_that_no_download_can_have_are_refused_before_anything_is_sent() {
    let fixture = Fixture::new(1);
    let refused = |change: &dyn Fn(&mut DownloadRequest), words: &str| {
        let mut request = fixture.request_for("http://127.0.0.1:9/x?Signature=SECRET");
        change(&mut request);
        let error = client().download(&request).expect_err(words);
        assert_eq!((error.kind(), error.code()), (ErrorKind::Validation, "ValidateError"));
        assert!(error.message().contains(words), "{words}: {error}");
        assert!(!error.message().contains("SECRET"), "{error}");
    };
    refused(&|request| request.bucket = "examplebucket".to_owned(), "both a URL and a bucket");
    refused(&|request| request.key = "key".to_owned(), "both a URL and a bucket");
    refused(&|request| request.url = None, "bucket name");
    refused(&|request| request.url = Some("".into()), "url is not valid");
    refused(&|request| request.url = Some("ftp://h/SECRET".into()), "not http or https");
    refused(&|request| request.url = Some("https://u:SECRET@h/".into()), "user name");
    refused(&|request| request.version_id = Some("v".to_owned()), "version_id");
    refused(&|request| request.traffic_limit = 819_200, "traffic_limit");
    refused(&|request| request.requester_pays = true, "requester_pays");
    refused(&|request| request.extra_query = vec![("a".to_owned(), "b".to_owned())], "extra_query");
    refused(
        &|request| request.response_headers.content_type = Some("x/y".to_owned()),
        "response_headers",
    );
    refused(
        &|request| request.extra_headers = vec![("Range".to_owned(), "bytes=0-1".to_owned())],
        "set by the library",
    );
    let mut request = fixture.request();
    request.url_provider =
        fixture.request_for("x").url_provider(|| Err("".to_owned())).url_provider;
    assert!(
        fixture.client().download(&request).expect_err("no URL").message().contains("url_provider")
    );
    let key = oss_resumable::AccessKey::new("a", "b", None);
    let url = fixture.request_for("http://127.0.0.1:9/x");
    fixture.client().presign(&url, &key, std::time::Duration::from_secs(9)).expect_err("a URL");
}

#[test]
fn a_location_that_is_not_usable_is_a_clear_error() {
    let fixture = Fixture::new(1);
    for (location, words) in [
        ("http://host/".to_owned() + &"x".repeat(20_000), "longer than"),
        ("ftp://host/x".to_owned(), "'ftp'"),
        ("file:///etc/passwd".to_owned(), "'file'"),
        ("http://SECRET:SECRET@host/".to_owned(), "user name"),
        ("http://".to_owned(), "host"),
        ("http://127.0.0.1:99999/".to_owned(), "port"),
    ] {
        let server = Scripted::start(move |_, _| Reply::redirect(302, &location));
        let error = client().download(&fixture.request_for(server.url("/x"))).expect_err(words);
        assert_eq!((error.code(), error.status()), ("RedirectError", 302), "{error}");
        assert!(error.message().contains(words), "{error}");
        assert!(!error.message().contains("SECRET"), "{error}");
    }
    let without = Scripted::start(|_, _| Reply::new("302 Found", &["Content-Length: 0"], ""));
    let error = client().download(&fixture.request_for(without.url("/x"))).expect_err("nowhere");
    assert!(error.message().contains("no Location"), "{error}");
    let huge = "http://host/".to_owned() + &"x".repeat(300_000);
    let endless = Scripted::start(move |_, _| Reply::redirect(302, &huge));
    impatient().download(&fixture.request_for(endless.url("/x"))).expect_err("a huge head");
    assert!(fixture.files().is_empty());
}

/// A reply to a request, with a lie.
type Lie = fn(&[u8], &Request) -> Reply;

/// A reply to a range whose head names another one.
fn misnamed(object: &[u8], request: &Request, by: impl Fn(usize, usize) -> String) -> Reply {
    let Some((first, last)) = request.range(object.len()) else {
        return Reply::whole(object, &["ETag: \"e\""]);
    };
    let body = &object[first..=last];
    Reply::new("206 Partial Content", &["ETag: \"e\""], body)
        .with(&format!("Content-Range: bytes {}", by(first, last)))
        .with(&format!("Content-Length: {}", body.len()))
}

const LIES: [Lie; 10] = [
    |object, request| misnamed(object, request, |f, l| format!("{}-{}/{SIZE}", f + 1, l + 1)),
    |object, request| misnamed(object, request, |f, l| format!("{f}-{l}/{}", l)),
    |object, request| misnamed(object, request, |f, l| format!("{f}-{l}/*")),
    |object, request| misnamed(object, request, |f, l| format!("{l}-{f}/{SIZE}")),
    |object, request| misnamed(object, request, |f, l| format!("{f}-{}/{SIZE}", l + 100_000)),
    |object, request| {
        misnamed(object, request, |f, l| format!("{f}-{l}/{SIZE}\r\nContent-Range: bytes 0-1/2"))
    },
    |object, request| misnamed(object, request, |f, l| format!("{f}-{l}/{}", u64::MAX)),
    |object, request| misnamed(object, request, |_, _| "lies".to_owned()),
    |object, _| {
        Reply::new(
            "206 Partial Content",
            &["ETag: \"e\"", "Content-Type: multipart/byteranges; boundary=x"],
            object,
        )
    },
    |object, _| Reply::new("204 No Content", &["ETag: \"e\""], object),
];

#[test]
fn a_server_that_lies_about_its_range_never_makes_a_wrong_file() {
    for (number, lie) in LIES.into_iter().enumerate() {
        // At the first request, at the next ones, and now and then.
        for when in [0, 1, 2] {
            let bytes = object();
            let server = Scripted::start(move |n, request| {
                let lies = match when {
                    0 => true,
                    1 => n > 0,
                    _ => n % 2 == 1,
                };
                match lies {
                    true => lie(&bytes, request),
                    false => Reply::part(&bytes, request, &["ETag: \"e\""]),
                }
            });
            let fixture = Fixture::new(1);
            let request = fixture.request_for(server.url("/x")).thread_num(2);
            match impatient().download(&request) {
                Ok(_) => assert!(std::fs::read(fixture.target()).expect("file") == object()),
                Err(error) => {
                    assert_ne!(error.kind(), ErrorKind::Internal, "lie {number}: {error}");
                    assert!(!fixture.target().exists());
                }
            }
            assert!(when != 0 || !fixture.target().exists(), "lie {number} was believed");
        }
    }
}

#[test]
fn a_server_that_changes_its_mind_about_ranges_never_makes_a_wrong_file() {
    for turn in 1..=u64::from(cases(4, 8)) {
        for etag in ["ETag: \"e\"", "ETag: W/\"e\"", "Date: today"] {
            let bytes = object();
            let server = Scripted::start(move |n, request| match n as u64 % (turn + 1) == turn {
                true => Reply::whole(&bytes, &[etag]),
                false => Reply::part(&bytes, request, &[etag]).cut_after(60_000),
            });
            let fixture = Fixture::new(1);
            let request = fixture.request_for(server.url("/x")).thread_num(2);
            match client().download(&request) {
                Ok(_) => assert!(std::fs::read(fixture.target()).expect("file") == object()),
                Err(error) => assert_ne!(error.kind(), ErrorKind::Internal, "{error}"),
            }
        }
    }
}

#[test]
fn sizes_that_change_with_every_reply_end_the_download() {
    let count = AtomicUsize::new(0);
    let server = Scripted::start(move |_, _| {
        let size = 1000 + count.fetch_add(1, Ordering::SeqCst);
        Reply::whole(&vec![1; size], &["ETag: \"e\""])
    });
    let fixture = Fixture::new(1);
    let request = fixture.request_for(server.url("/x")).range(500, 100_000);
    let error = impatient().download(&request).expect_err("no size holds");
    assert_ne!(error.kind(), ErrorKind::Internal, "{error}");
    assert!(server.requests().len() <= 6, "{}", server.requests().len());
    assert!(!fixture.target().exists());
}

#[test]
fn an_error_page_without_end_is_not_read_for_ever() {
    let fixture = Fixture::new(1);
    let page =
        Scripted::start(|_, _| Reply::new("403 Forbidden", &[], vec![b'x'; 4 * MIB as usize]));
    let error =
        client().download(&fixture.request_for(page.url("/x?SECRET"))).expect_err("refused");
    assert_eq!(error.status(), 403);
    assert!(!error.message().contains("SECRET") && error.message().len() < 1000, "{error}");
}
