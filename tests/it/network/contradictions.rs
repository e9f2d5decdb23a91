//! Replies whose headers are wrong.

use local_oss::{Config, Fault, Matcher};
use oss_resumable::{ErrorKind, Proof};

use crate::fixture::{BUCKET, Fixture, KEY, MIB, PART};

use super::{each, fixture, fixture_of, fixture_with_fault, header};

const SIZE: u64 = MIB + 12_345;

/// Headers that contradict the request or the body.
fn contradictions() -> Vec<Fault> {
    let range = |first, last, total| Fault::ContentRangeOff { first, last, total };
    let text = |value| header("Content-Range", Some(value));
    vec![
        range(1, 0, 0),
        range(-1, 0, 0),
        range(0, 1, 0),
        range(0, -1, 0),
        range(1, 1, 0),
        range(0, 0, -(SIZE as i64)),
        text("bytes 0-0/1"),
        text("bytes */1060921"),
        text("bytes 0-/1060921"),
        text("bytes 9-0/1060921"),
        text("bytes 0-18446744073709551615/18446744073709551616"),
        text("items 0-102399/1060921"),
        text("bytes=0-102399/1060921"),
        text("bytes 0-102399,102400-204799/1060921"),
        text(""),
        header("Content-Range", None),
        Fault::IgnoreRange,
        Fault::Html(206),
        Fault::Gzip,
        Fault::ContentLengthOff(1),
        Fault::ContentLengthOff(-1),
        Fault::ContentLengthOff(1 << 40),
        Fault::ContentLengthOff(i64::MIN),
    ]
}

#[test]
fn a_contradiction_in_one_reply_costs_an_attempt() {
    let cases = contradictions().into_iter().flat_map(|fault| [(fault.clone(), 2), (fault, 3)]);
    each(cases, |(fault, k)| {
        let fixture = fixture_with_fault(SIZE, Matcher::any().nth(*k), fault.clone());
        // The excess of a body longer than its length would be garbage before the next head.
        fixture.server.inject(Fault::CloseConnection);
        let outcome = fixture.assert_downloads(&fixture.client(), &fixture.request());
        assert_eq!(outcome.statistics.retries_reply, 1, "{fault:?}");
        assert_eq!(outcome.statistics.bytes_discarded, 0, "not a byte was taken: {fault:?}");
    });
}

#[test]
fn a_contradiction_in_the_first_reply_costs_an_attempt() {
    // The whole object is a valid reply to the first range, and there is no byte before the first.
    let true_of_the_first = |fault: &Fault| {
        matches!(fault, Fault::IgnoreRange | Fault::ContentRangeOff { first: -1, .. })
    };
    let lies = contradictions().into_iter().filter(|fault| !true_of_the_first(fault));
    each(lies, |fault| {
        let fixture = fixture_with_fault(SIZE, Matcher::any().nth(1), fault.clone());
        fixture.server.inject(Fault::CloseConnection);
        let outcome = fixture.assert_downloads(&fixture.client(), &fixture.request());
        assert_eq!(outcome.statistics.retries_reply, 1, "{fault:?}");
    });
}

#[test]
fn a_contradiction_in_every_reply_is_an_error() {
    let cases = contradictions().into_iter().flat_map(|fault| [(fault.clone(), 2), (fault, 1)]);
    let cases = cases.filter(|(fault, from)| *from > 1 || !matches!(fault, Fault::IgnoreRange));
    each(cases, |(fault, from)| {
        let fixture = fixture_with_fault(SIZE, Matcher::any().from(*from), fault.clone());
        // The excess of a body longer than its length would be garbage before the next head.
        fixture.server.inject(Fault::CloseConnection);
        let request = fixture.request();
        let error = fixture.assert_refuses(
            &fixture.client(),
            &request,
            ErrorKind::Integrity,
            "InvalidReply",
        );
        // One good reply at most, and three for each connection.
        assert!(fixture.server.requests().len() <= 1 + 9, "{fault:?}: {error}");
        fixture.assert_recovers(&request);
    });
}

#[test]
fn a_first_reply_that_a_retry_cannot_change_is_requested_twice() {
    let lacking =
        [Fault::UnknownTotal, header("Content-Range", None), Fault::NoOssHeaders, Fault::Html(206)];
    each(lacking, |fault| {
        let fixture = fixture_with_fault(SIZE, Matcher::any(), fault.clone());
        let request = fixture.request();
        fixture.assert_refuses(&fixture.client(), &request, ErrorKind::Integrity, "InvalidReply");
        assert_eq!(fixture.server.requests().len(), 2, "{fault:?}");
        fixture.assert_recovers(&request);
    });
    // A range cannot be taken from the whole object without all bytes before it.
    let fixture = fixture_with_fault(SIZE, Matcher::any(), Fault::IgnoreRange);
    let request = fixture.request().range(1000, 1999);
    fixture.assert_refuses(&fixture.client(), &request, ErrorKind::Integrity, "InvalidReply");
    assert_eq!(fixture.server.requests().len(), 2);
}

#[test]
fn a_wrong_first_reply_may_be_right_at_the_third_attempt() {
    let fixture = fixture_with_fault(SIZE, Matcher::any().times(2), Fault::WrongContentRange);
    let outcome = fixture.assert_downloads(&fixture.client(), &fixture.request());
    assert_eq!(outcome.statistics.retries_reply, 2);
}

#[test]
fn another_size_in_one_reply_is_another_object_and_starts_over() {
    for total in [-1000, -1, 1, 1 << 40] {
        let fault = Fault::ContentRangeOff { first: 0, last: 0, total };
        for k in 2..=3 {
            let fixture = fixture_with_fault(SIZE, Matcher::any().nth(k), fault.clone());
            fixture.assert_downloads(&fixture.client(), &fixture.request());
        }
    }
}

#[test]
fn a_wrong_size_in_the_first_reply_is_detected() {
    for total in [-1000, -1, 1, 300_000] {
        let fault = Fault::ContentRangeOff { first: 0, last: 0, total };
        for request in [Fixture::request, Fixture::request_without_checkpoint] {
            let fixture = fixture_with_fault(SIZE, Matcher::any().nth(1), fault.clone());
            fixture.assert_downloads(&fixture.client(), &request(&fixture));
        }
    }
}

#[test]
fn an_impossible_size_is_an_error_before_a_byte_is_stored() {
    let fault = Fault::ContentRangeOff { first: 0, last: 0, total: 1 << 60 };
    let fixture = fixture_with_fault(SIZE, Matcher::any().nth(1), fault);
    let request = fixture.request();
    let error = fixture.assert_refuses(&fixture.client(), &request, ErrorKind::Io, "DiskFull");
    assert!(fixture.journal().is_none(), "{error}");
    // Without the space check it is accepted until the next reply has another size.
    let mut unchecked = fixture.single();
    unchecked.check_space = false;
    let fault = Fault::ContentRangeOff { first: 0, last: 0, total: 1 << 40 };
    fixture.server.inject_when(Matcher::any().nth(1), fault);
    let outcome = fixture.assert_downloads(&fixture.client(), &unchecked);
    assert_eq!(outcome.statistics.retries_reply, 1);
}

#[test]
fn a_size_that_is_wrong_in_every_reply_is_an_error() {
    for (total, kind, code) in [
        (-1000, ErrorKind::Integrity, "CrcCheckError"),
        (1000, ErrorKind::Integrity, "InvalidReply"),
    ] {
        let fault = Fault::ContentRangeOff { first: 0, last: 0, total };
        // On one connection the last request is for the object's end, wherever that is said to be.
        let fixture = fixture_with_fault(SIZE, Matcher::any(), fault);
        let request = fixture.single();
        fixture.assert_refuses(&fixture.client(), &request, kind, code);
        fixture.assert_recovers(&request);
    }
}

#[test]
fn a_success_status_without_an_object_is_an_error_with_its_status() {
    for status in [201, 202, 203, 204, 207, 226, 299] {
        for from in [1, 2] {
            let fixture = fixture_with_fault(SIZE, Matcher::any().from(from), Fault::Html(status));
            let request = fixture.request();
            let code = format!("ServerError:{status}");
            let error =
                fixture.assert_refuses(&fixture.client(), &request, ErrorKind::Service, &code);
            assert_eq!(error.status(), i64::from(status));
            fixture.assert_recovers(&request);
        }
    }
}

#[test]
fn another_etag_on_one_reply_gives_one_generation() {
    let other = |value| header("ETag", Some(value));
    let etags = [Fault::WrongEtag, Fault::NoEtag, other("\"\""), other("W/\"1\""), other("\"*\"")];
    let cases = etags.into_iter().flat_map(|fault| (1..=4).map(move |k| (fault.clone(), k)));
    each(cases, |(fault, k)| {
        let fixture = fixture_with_fault(SIZE, Matcher::any().nth(*k), fault.clone());
        let outcome = fixture.assert_downloads(&fixture.client(), &fixture.request());
        assert_eq!(outcome.proof, Proof::ObjectCrc, "{fault:?} on reply {k}");
    });
}

#[test]
fn a_checksum_that_is_wrong_on_one_reply_gives_the_right_file() {
    let crc = |value| header("x-oss-hash-crc64ecma", Some(value));
    let lies =
        [Fault::WrongCrc, Fault::NoCrc, crc("0"), crc("nonsense"), crc("18446744073709551616")];
    let sizes = [10, SIZE];
    let cases = lies.into_iter().flat_map(|fault| (1..=4).map(move |k| (fault.clone(), k)));
    each(cases, |(fault, k)| {
        for size in sizes {
            let fixture = fixture_with_fault(size, Matcher::any().nth(*k), fault.clone());
            fixture.assert_downloads(&fixture.client(), &fixture.request());
            fixture.put_old_file();
            fixture.server.clear_faults();
            let request = fixture.request_without_checkpoint();
            fixture.server.inject_when(Matcher::any().nth(*k), fault.clone());
            fixture.assert_downloads(&fixture.client(), &request);
        }
    });
}

#[test]
fn a_checksum_that_is_wrong_on_every_reply_is_an_error_that_does_not_persist() {
    for size in [10, SIZE] {
        let fixture = fixture_with_fault(size, Matcher::any(), Fault::WrongCrc);
        for request in [fixture.request(), fixture.request_without_checkpoint(), fixture.single()] {
            let kind = ErrorKind::Integrity;
            fixture.assert_refuses(&fixture.client(), &request, kind, "CrcCheckError");
            assert!(fixture.journal().is_none());
        }
        fixture.assert_recovers(&fixture.request());
    }
}

#[test]
fn a_service_without_checksums_gives_the_right_file_through_breaks_and_resumes() {
    let config = Config { send_crc: false, ..Config::default() };
    let fixture = fixture_of(config, SIZE);
    fixture.interrupt(&fixture.request(), 300_000);
    fixture.server.inject(Fault::CloseAfter(150_000));
    let outcome = fixture.assert_downloads(&fixture.client(), &fixture.request());
    assert_eq!((outcome.proof, outcome.object_crc64), (Proof::Generation, None));
    assert!(outcome.statistics.bytes_reused >= PART, "{:?}", outcome.statistics);
    assert_eq!(outcome.crc64, fixture.server.object(BUCKET, KEY).expect("object").crc64());
}

#[test]
fn a_wrong_date_changes_nothing() {
    for date in [None, Some(""), Some("yesterday"), Some("Thu, 01 Jan 1970 00:00:00 GMT")] {
        let fixture = fixture(SIZE);
        fixture.server.inject(header("Date", date));
        fixture.server.inject(header("Last-Modified", date));
        let outcome = fixture.assert_downloads(&fixture.client(), &fixture.request());
        assert_eq!(outcome.statistics.requests, fixture.server.requests().len() as u64);
        assert_eq!(outcome.statistics.retries_auth, 0);
    }
}
