use proptest::prelude::*;

use super::*;

fn head(lines: &[&str]) -> ReplyHead {
    let mut head = ReplyHead::default();
    for line in lines {
        head.push_line(format!("{line}\r\n").as_bytes());
    }
    head
}

fn with(header: &str) -> ReplyHead {
    head(&["HTTP/1.1 206 Partial Content", header, ""])
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

#[test]
fn a_head_is_complete_after_its_blank_line() {
    let mut head = ReplyHead::default();
    for line in ["HTTP/1.1 100 Continue\r\n", "\r\n", "HTTP/1.1 206 OK\r\n", "ETag: \"a\"\r\n"] {
        head.push_line(line.as_bytes());
    }
    assert!(!head.is_whole());
    head.push_line(b"\r\n");
    assert!(head.is_whole());
}

#[test]
fn a_reply_of_the_service_is_read() {
    let head = head(&[
        "HTTP/1.1 206 Partial Content",
        "Date: Sun, 06 Nov 1994 08:49:37 GMT",
        "Content-Length: 100",
        "content-range: bytes 0-99/1000",
        "ETag: \"5B3C1A2E-3\"",
        "x-oss-hash-crc64ecma: 18446744073709551615",
        "x-oss-version-id:v1",
        "x-oss-request-id: 534B",
        "Last-Modified:  Fri, 24 Feb 2012 06:07:48 GMT ",
        "Content-Encoding: gzip",
        "",
    ]);
    assert_eq!(head.status, 206);
    assert_eq!(head.date(), Some(at(784_111_777)));
    assert_eq!(head.content_length().unwrap(), Some(100));
    let whole = ContentRange::Satisfied { first: 0, last: 99, total: Some(1000) };
    assert_eq!(head.content_range().unwrap(), Some(whole));
    assert_eq!(head.etag(), Some("5B3C1A2E-3"));
    assert_eq!(head.crc64(), Some(u64::MAX));
    assert_eq!(head.version_id(), Some("v1"));
    assert_eq!(head.request_id(), Some("534B"));
    assert_eq!(head.last_modified(), Some("Fri, 24 Feb 2012 06:07:48 GMT"));
    assert_eq!(head.content_coding(), Some("gzip"));
}

#[test]
fn absent_headers_are_none() {
    let head = head(&["HTTP/2 200", ""]);
    assert_eq!(head.status, 200);
    assert_eq!(head.content_length().unwrap(), None);
    assert_eq!(head.content_range().unwrap(), None);
    assert_eq!((head.etag(), head.crc64(), head.date()), (None, None, None));
    assert_eq!((head.retry_after(at(0)), head.content_coding()), (None, None));
}

#[test]
fn a_second_status_line_starts_over() {
    let head = head(&[
        "HTTP/1.1 200 Connection established",
        "ETag: \"proxy\"",
        "",
        "HTTP/1.1 100 Continue",
        "",
        "HTTP/1.1 404 Not EarlierRun",
        "x-oss-request-id: 1",
    ]);
    assert_eq!(head.status, 404);
    assert_eq!(head.etag(), None);
    assert_eq!(head.request_id(), Some("1"));
}

#[test]
fn trailers_are_not_headers() {
    let head = head(&["HTTP/1.1 200 OK", "ETag: \"a\"", "", "x-oss-version-id: late"]);
    assert_eq!(head.headers.len(), 1);
    assert_eq!(head.version_id(), None);
}

#[test]
fn folded_lines_continue_the_header_before_them() {
    let head = head(&["HTTP/1.1 200 OK", "X-Long: one", "\t two ", "X-Next: three"]);
    assert_eq!(head.get("x-long"), Some("one two"));
    assert_eq!(head.get("x-next"), Some("three"));
}

#[test]
fn bytes_that_are_not_utf_8_are_replaced_and_lines_without_a_colon_skipped() {
    let mut head = head(&["HTTP/1.1 200 OK", "no colon here"]);
    head.push_line(b"X-Name: caf\xe9\r\n");
    assert_eq!(head.headers, [("X-Name".to_owned(), "caf\u{fffd}".to_owned())]);
}

#[test]
fn only_strong_etags_count() {
    for (value, etag) in [
        ("\"a-b\"", Some("a-b")),
        ("a-b", Some("a-b")),
        ("W/\"a-b\"", None),
        ("\"\"", None),
        ("", None),
        ("\"a", None),
        ("\"a\"b\"", None),
        ("\"a b\"", None),
    ] {
        assert_eq!(with(&format!("ETag: {value}")).etag(), etag, "{value}");
    }
}

#[test]
fn a_weak_etag_is_returned_as_sent() {
    for value in ["W/\"a-b\"", "W/\"W/\""] {
        assert_eq!(with(&format!("ETag: {value}")).weak_etag(), Some(value));
    }
    for value in
        ["\"a-b\"", "a-b", "W/a", "W/\"\"", "W/\"", "w/\"a\"", "W/\"a\"b\"", "W/\"a b\"", ""]
    {
        assert_eq!(with(&format!("ETag: {value}")).weak_etag(), None, "{value}");
    }
}

#[test]
fn impossible_content_ranges_are_errors() {
    for value in [
        "bytes 5-4/10",
        "bytes 0-10/10",
        "bytes 0-9",
        "bytes 0-/10",
        "bytes -9/10",
        "bytes +0-9/10",
        "bytes */*",
        "bytes 0-18446744073709551616/*",
        "items 0-9/10",
        "",
    ] {
        let error = with(&format!("Content-Range: {value}")).content_range().unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Integrity, "InvalidResponse"));
        assert!(error.message().contains("Content-Range"), "{value}: {error}");
    }
}

#[test]
fn an_unsatisfied_range_gives_the_size() {
    let range = with("Content-Range: bytes */1000").content_range().unwrap();
    assert_eq!(range, Some(ContentRange::Unsatisfied { total: 1000 }));
}

#[test]
fn lengths_are_digits_and_do_not_contradict_themselves() {
    for value in ["-1", "+1", "1,1", "0x10", "", "99999999999999999999"] {
        with(&format!("Content-Length: {value}")).content_length().unwrap_err();
    }
    let twice = |second| head(&["HTTP/1.1 200 OK", "Content-Length: 5", second]).content_length();
    assert_eq!(twice("content-length: 5").unwrap(), Some(5));
    twice("content-length: 6").unwrap_err();
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    let wait = |value| with(&format!("Retry-After: {value}")).retry_after(at(784_111_700));
    assert_eq!(wait("7"), Some(Duration::from_secs(7)));
    assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::from_secs(77)));
    assert_eq!(wait("Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO));
    assert_eq!(wait("soon"), None);
}

#[test]
fn identity_is_not_a_coding() {
    assert_eq!(with("Content-Encoding: Identity").content_coding(), None);
    assert_eq!(with("Content-Encoding: br").content_coding(), Some("br"));
}

proptest! {
    #[test]
    fn any_lines_are_parsed_without_a_panic(lines in prop::collection::vec(any::<Vec<u8>>(), 0..20)) {
        let mut head = ReplyHead::default();
        for line in &lines {
            head.push_line(line);
        }
        prop_assert!(head.headers.len() <= lines.len());
    }

    #[test]
    fn any_header_value_is_parsed_without_a_panic(value in any::<String>()) {
        for name in ["ETag", "Content-Length", "Content-Range", "Retry-After", "Date"] {
            let mut head = ReplyHead::default();
            head.push_line(format!("{name}: {value}").as_bytes());
            let _ = (head.etag(), head.content_length(), head.content_range());
            let _ = (head.retry_after(at(0)), head.date(), head.crc64(), head.content_coding());
        }
    }

    #[test]
    fn a_content_range_written_out_is_read_back(
        first in 0..u64::MAX / 2, length in 1..u64::MAX / 4, beyond in prop::option::of(1..u64::MAX / 8),
    ) {
        let last = first + length - 1;
        let total = beyond.map(|beyond| last + beyond);
        let written = total.map_or("*".to_owned(), |total| total.to_string());
        let head = with(&format!("Content-Range: bytes {first}-{last}/{written}"));
        let expected = ContentRange::Satisfied { first, last, total };
        prop_assert_eq!(head.content_range().unwrap(), Some(expected));
    }
}
