//! Single header values: a parsed value means what the text says and is formatted to the same text.
#![no_main]

use std::time::Duration;

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use oss_resumable::fuzzing::clock;
use oss_resumable::fuzzing::reply::{ContentRange, ReplyHead};

fuzz_target!(|value: &[u8]| {
    let value = value.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let mut head = ReplyHead::default();
    head.push_line(b"HTTP/1.1 206 Partial Content\r\n");
    for name in
        ["Content-Range", "Content-Length", "ETag", "Retry-After", "Date", "x-oss-hash-crc64ecma"]
    {
        head.push_line(&[name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    let text = String::from_utf8_lossy(value);
    let text = text.trim();

    if let Ok(Some(range)) = head.content_range() {
        check_range(range, text);
    }
    if let Ok(Some(length)) = head.content_length() {
        assert_eq!(text.trim_start_matches('0'), length.to_string().trim_start_matches('0'));
    }
    if let Some(crc) = head.crc64() {
        assert_eq!(text.trim_start_matches('0'), crc.to_string().trim_start_matches('0'));
    }
    if let Some(etag) = head.etag() {
        assert!(!etag.is_empty() && etag.bytes().all(|b| b.is_ascii_graphic() && b != b'"'));
        assert!(text == etag || text == format!("\"{etag}\""), "{etag} of {text}");
    }
    if let Some(date) = head.date() {
        let seconds = Timestamp::from_second(date.as_second()).expect("in range");
        if let Ok(written) = clock::http_date(seconds) {
            assert_eq!(clock::parse_http_date(&written), Some(seconds), "{text}");
        }
    }
    let now = Timestamp::UNIX_EPOCH;
    match (head.retry_after(now), head.date()) {
        (Some(wait), Some(date)) if !text.bytes().all(|b| b.is_ascii_digit()) => {
            let expected = Duration::try_from(date.duration_since(now)).unwrap_or_default();
            assert_eq!(wait, expected, "{text}");
        }
        (Some(wait), _) => assert_eq!(text.parse(), Ok(wait.as_secs())),
        (None, date) => assert_eq!(date, None, "a date says when: {text}"),
    }
});

fn check_range(range: ContentRange, text: &str) {
    let (numbers, total) = match range {
        ContentRange::Unsatisfied { total } => ("*".to_owned(), Some(total)),
        ContentRange::Satisfied { first, last, total } => {
            assert!(first <= last && total.is_none_or(|total| last < total), "{range:?} of {text}");
            (format!("{first}-{last}"), total)
        }
    };
    let total = total.map_or("*".to_owned(), |total| total.to_string());
    let mut head = ReplyHead::default();
    head.push_line(format!("Content-Range: bytes {numbers}/{total}").as_bytes());
    assert_eq!(head.content_range().expect("no contradiction"), Some(range), "{text}");
}
