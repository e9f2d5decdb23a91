//! Services that answer with something else than a listing, or with one that never ends.

use local_oss::Fault;
use oss_resumable::ErrorKind;

use super::{error, fixture, names, pages, request};

fn object(key: &str) -> String {
    format!("<Contents><Key>{key}</Key><Size>1</Size></Contents>")
}

fn page(content: &str) -> Vec<u8> {
    format!("<?xml version=\"1.0\"?><ListBucketResult>{content}</ListBucketResult>").into_bytes()
}

/// Of a client without retries.
fn refusal(body: Vec<u8>) -> String {
    let fixture = fixture(&[]);
    fixture.server.inject_when(pages(), Fault::Body(body));
    let client = fixture.client_with(|options| options.max_attempts = 1);
    let error = error(&client, &request().prefix("a"));
    assert_eq!((error.kind(), error.code()), (ErrorKind::Integrity, "InvalidReply"), "{error}");
    assert!(error.message().len() < 600, "{error}");
    assert!(!error.message().chars().any(char::is_control), "{error}");
    error.message().to_owned()
}

#[test]
fn a_body_that_is_not_a_complete_listing_is_a_clear_error() {
    let truncated = page(&object("a"));
    for (body, reason) in [
        (Vec::new(), "ends within the listing"),
        (b"busy".to_vec(), "ends within the listing"),
        (b"\xff\xfe\0<".to_vec(), "not UTF-8"),
        (b"<html><body>log in here</body></html>".to_vec(), "not a listing, but <html>"),
        (b"{\"keys\":[]}".to_vec(), "ends within the listing"),
        (truncated[..truncated.len() - 19].to_vec(), "ends within the listing"),
        (truncated[..truncated.len() - 3].to_vec(), "not XML"),
        (page("<Contents>"), "not XML"),
        (page(&object("")), "no key"),
        (page("<Contents><Key>a</Key><Size>many</Size></Contents>"), "not a number"),
        (page("<!DOCTYPE x [<!ENTITY e \"a\">]>&e;"), "unknown entity"),
        (page(&object("a").repeat(1001)), "more than 1000 entries"),
        (page(&format!("<EncodingType>url</EncodingType>{}", object("a%C3"))), "not UTF-8"),
        (
            page(&format!("<EncodingType>url</EncodingType>{}", object("a%2"))),
            "not percent-encoded",
        ),
        (page(&object("b&#27;[2J")), "another prefix"),
        (page("<IsTruncated>true</IsTruncated>"), "where it goes on"),
    ] {
        let message = refusal(body);
        assert!(message.contains(reason), "{message} instead of {reason}");
    }
}

#[test]
fn a_body_that_is_too_long_is_refused_before_it_is_all_received() {
    const LIMIT: usize = 8 * 1024 * 1024;
    let message = refusal(page(&" ".repeat(2 * LIMIT)));
    assert!(message.contains(&format!("longer than {LIMIT} bytes")), "{message}");
}

#[test]
fn elements_that_are_deeply_nested_do_no_harm() {
    let deep = "<x>".repeat(100_000) + &"</x>".repeat(100_000);
    let fixture = fixture(&[]);
    fixture.server.inject_when(pages(), Fault::Body(page(&(deep + &object("a")))));
    assert_eq!(names(&fixture.client(), &request()).expect("a listing"), ["a"]);
}

#[test]
fn an_error_document_in_place_of_a_page_is_that_error() {
    let fixture = fixture(&[]);
    let document =
        "<Error><Code>AccessDenied</Code><Message>No.</Message><RequestId>5</RequestId></Error>";
    fixture.server.inject_when(pages(), Fault::Body(document.into()));
    let error = error(&fixture.client(), &request());
    assert_eq!((error.kind(), error.code()), (ErrorKind::Service, "AccessDenied"));
}

#[test]
fn a_reply_that_does_not_come_from_the_service_is_refused() {
    let fixture = fixture(&["a"]);
    fixture.server.inject_when(pages(), Fault::NoOssHeaders);
    let error = error(&fixture.client(), &request());
    assert!(error.message().contains("no x-oss header"), "{error}");
}

#[test]
fn pages_that_come_round_again_are_an_error_and_not_an_endless_listing() {
    let next = |key: &str, token: &str| {
        let more = "<IsTruncated>true</IsTruncated>";
        let next = format!("<NextContinuationToken>{token}</NextContinuationToken>");
        Fault::Body(page(&format!("{more}{next}{}", object(key))))
    };
    let same = fixture(&[]);
    same.server.inject_when(pages(), next("a", "t"));
    let listing = same.client().list_objects(&request()).expect("start");
    let found: Vec<_> = listing.collect();
    assert_eq!(found.len(), 2, "one entry, then the error");
    let error = found[1].as_ref().expect_err("an error");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Integrity, "InvalidReply"));
    assert!(error.message().contains("would never end"), "{error}");
    assert_eq!(same.server.requests().len(), 2);

    let cycle = fixture(&[]);
    cycle.server.inject_when(pages().every(3), next("c", "3"));
    for nth in (0..30).step_by(3) {
        cycle.server.inject_when(pages().nth(nth + 1), next("a", "1"));
        cycle.server.inject_when(pages().nth(nth + 2), next("b", "2"));
    }
    let error = names(&cycle.client(), &request()).expect_err("an error");
    assert!(error.message().contains("would never end"), "{error}");
    assert!(cycle.server.requests().len() < 15);
}

#[test]
fn pages_that_stay_empty_are_an_error_and_not_an_endless_listing() {
    let fixture = fixture(&[]);
    for nth in 0..1002_u64 {
        let token = format!("<NextContinuationToken>{nth}</NextContinuationToken>");
        let body = page(&format!("<IsTruncated>true</IsTruncated>{token}"));
        fixture.server.inject_when(pages().nth(nth + 1), Fault::Body(body));
    }
    let error = error(&fixture.client(), &request());
    assert!(error.message().contains("were empty too"), "{error}");
    assert_eq!(fixture.server.requests().len(), 1001);
}
