use proptest::prelude::*;

use super::*;

fn head(lines: &[&str]) -> ReplyHead {
    let mut head = ReplyHead::default();
    for line in lines {
        head.push_line(format!("{line}\r\n").as_bytes());
    }
    head.push_line(b"\r\n");
    head
}

fn partial(content_range: &str, length: u64) -> ReplyHead {
    head(&[
        "HTTP/1.1 206 Partial Content",
        &format!("Content-Range: {content_range}"),
        &format!("Content-Length: {length}"),
        "ETag: \"A\"",
        "x-oss-hash-crc64ecma: 17",
    ])
}

fn generation() -> Generation {
    let etag = Some("A".to_owned());
    Generation { etag, size: 1000, crc64: Some(17), ..Generation::default() }
}

fn contradicts<T: std::fmt::Debug>(result: Result<T, Flaw>) {
    assert!(matches!(result, Err(Flaw::Contradiction(_))), "{result:?}");
}

fn is_incomplete<T: std::fmt::Debug>(result: Result<T, Flaw>) {
    assert!(
        matches!(&result, Err(flaw @ Flaw::Incomplete(_)) if flaw.is_by_design()),
        "{result:?}"
    );
}

#[test]
fn the_first_reply_gives_the_generation_and_the_range_of_its_body() {
    let first = first_reply(&partial("bytes 100-199/1000", 100), Some((100, 199))).expect("good");
    assert_eq!(first.generation, generation());
    assert_eq!(first.body, 100..200);
    assert!(!first.ranges_ignored);
}

#[test]
fn a_range_beyond_the_end_is_clamped_only_at_the_end() {
    assert_eq!(
        first_reply(&partial("bytes 900-999/1000", 100), Some((900, 1999))).expect("good").body,
        900..1000
    );
    contradicts(first_reply(&partial("bytes 900-998/1000", 99), Some((900, 1999))));
}

#[test]
fn a_first_reply_that_is_not_the_requested_one_is_refused() {
    contradicts(first_reply(&partial("bytes 0-99/1000", 100), Some((100, 199))));
    contradicts(first_reply(&partial("bytes 100-299/1000", 200), Some((100, 199))));
    is_incomplete(first_reply(&partial("bytes 100-199/*", 100), Some((100, 199))));
    contradicts(first_reply(&partial("bytes 100-199/150", 100), Some((100, 199))));
    contradicts(first_reply(&partial("bytes 100-199/1000", 99), Some((100, 199))));
    contradicts(first_reply(&partial("bytes */1000", 0), Some((100, 199))));
    contradicts(first_reply(&partial("nonsense", 100), Some((100, 199))));
    is_incomplete(first_reply(
        &head(&["HTTP/1.1 206 Partial Content", "x-oss-request-id: 1"]),
        Some((100, 199)),
    ));
    contradicts(first_reply(
        &head(&["HTTP/1.1 204 No Content", "x-oss-request-id: 1"]),
        Some((0, 99)),
    ));
}

#[test]
fn the_whole_object_is_accepted_only_for_a_range_from_its_start() {
    let whole = head(&["HTTP/1.1 200 OK", "Content-Length: 1000", "x-oss-request-id: 1"]);
    let opened = first_reply(&whole, Some((0, 99))).expect("good");
    assert_eq!((opened.body, opened.ranges_ignored), (0..1000, true));
    assert!(!first_reply(&whole, None).expect("good").ranges_ignored);
    assert_eq!(first_reply(&whole, Some((1, 99))), Err(Flaw::RangeIgnored));
    is_incomplete(first_reply(&head(&["HTTP/1.1 200 OK", "x-oss-request-id: 1"]), None));
}

fn processed(lines: &[&str]) -> Result<FirstReply, Flaw> {
    processed_reply(&head(&[&["HTTP/1.1 200 OK", "x-oss-request-id: 1"], lines].concat()))
}

#[test]
fn a_processed_object_ends_at_its_length_or_its_last_chunk() {
    let told = processed(&["Content-Length: 1000", "ETag: \"A\"", "x-oss-hash-crc64ecma: 17"]);
    let FirstReply { generation, body, ranges_ignored } = told.expect("good");
    assert_eq!((generation.size, body, ranges_ignored), (1000, 0..1000, false));
    assert_eq!(generation.etag.as_deref(), Some("A"));
    assert_eq!(generation.crc64, None, "it is the stored object's");

    let untold = processed(&["Transfer-Encoding: Chunked"]).expect("good");
    assert_eq!((untold.generation.size, untold.body), (UNKNOWN, 0..UNKNOWN));
}

#[test]
fn a_processed_object_whose_end_cannot_be_known_is_refused() {
    is_incomplete(processed(&[]));
    for lines in [
        &["Transfer-Encoding: chunked", "Content-Length: 1000"][..],
        &["Transfer-Encoding: gzip, chunked"],
        &["Transfer-Encoding: gzip", "Transfer-Encoding: chunked"],
        &["Transfer-Encoding: identity", "Content-Length: 1000"],
        &["Transfer-Encoding: chunked", "Content-Encoding: gzip"],
        &["Content-Length: 1000", "Content-Length: 1001"],
        &["Content-Length: 18446744073709551615"],
    ] {
        contradicts(processed(lines));
    }
    contradicts(processed_reply(&partial("bytes 0-99/1000", 100)));
    is_incomplete(processed_reply(&head(&["HTTP/1.1 200 OK", "Content-Length: 1000"])));
}

#[test]
fn a_given_length_is_never_treated_as_unknown() {
    let length = format!("Content-Length: {UNKNOWN}");
    let whole = head(&["HTTP/1.1 200 OK", &length, "x-oss-request-id: 1"]);
    contradicts(first_reply(&whole, None));
    contradicts(head_reply(&whole));
    let total = format!("bytes 100-199/{UNKNOWN}");
    contradicts(first_reply(&partial(&total, 100), Some((100, 199))));
    contradicts(later_reply(&partial(&total, 100), &(100..200), &generation(), Pinning::IfMatch));
}

#[test]
fn a_reply_without_a_header_of_oss_is_refused() {
    let page = ["HTTP/1.1 200 OK", "Content-Length: 1000", "ETag: \"A\""];
    is_incomplete(first_reply(&head(&page), None));
    let marked = [&page[..], &["X-Oss-Request-Id: 1"]].concat();
    assert!(first_reply(&head(&marked), None).is_ok());
}

#[test]
fn a_body_coded_in_transit_is_refused_and_a_stored_coding_is_not() {
    let coded = ["HTTP/1.1 200 OK", "Content-Encoding: gzip", "x-oss-request-id: 1"];
    contradicts(first_reply(&head(&coded), None));
    let stored = [&coded[..], &["Content-Length: 1000"]].concat();
    assert!(first_reply(&head(&stored), None).is_ok());
}

#[test]
fn later_replies_must_be_exactly_the_requested_bytes_of_the_same_generation() {
    let check =
        |reply: &ReplyHead| later_reply(reply, &(100..200), &generation(), Pinning::IfMatch);
    assert_eq!(check(&partial("bytes 100-199/1000", 100)), Ok(()));
    contradicts(check(&partial("bytes 100-198/1000", 99)));
    contradicts(check(&partial("bytes 101-200/1000", 100)));
    assert!(matches!(check(&partial("bytes 100-199/1001", 100)), Err(Flaw::Changed(_))));
    let whole = head(&["HTTP/1.1 200 OK", "Content-Length: 1000", "ETag: \"A\""]);
    assert_eq!(check(&whole), Err(Flaw::RangeIgnored));
}

#[test]
fn another_etag_crc_or_version_or_a_missing_etag_is_another_generation() {
    let pin = Generation { version_id: Some("v1".to_owned()), ..generation() };
    let same = |change: fn(&mut Generation)| {
        let mut seen = pin.clone();
        change(&mut seen);
        same_generation(&seen, &pin).is_ok()
    };
    assert!(same(|_| {}));
    assert!(same(|seen| seen.crc64 = None));
    assert!(same(|seen| seen.version_id = None));
    assert!(!same(|seen| seen.etag = Some("B".to_owned())));
    assert!(!same(|seen| seen.etag = None));
    assert!(!same(|seen| seen.crc64 = Some(18)));
    assert!(!same(|seen| seen.size = 999));
    assert!(!same(|seen| seen.version_id = Some("v2".to_owned())));
}

#[test]
fn another_last_modified_is_another_generation_only_for_pinning_by_comparison() {
    let at = |time: &str| Generation { last_modified: Some(time.to_owned()), ..generation() };
    assert_eq!(continues(&at("2"), &at("1"), Pinning::IfMatch), Ok(()));
    for (seen, same) in [(at("1"), true), (generation(), true), (at("2"), false)] {
        assert_eq!(continues(&seen, &at("1"), Pinning::Comparison).is_ok(), same, "{seen:?}");
    }
}

#[test]
fn a_growing_object_may_be_longer_with_another_etag_and_nothing_else() {
    let pin = Generation { version_id: Some("v1".to_owned()), appendable: true, ..generation() };
    let continues = |size, change: fn(&mut Generation)| {
        let mut seen = Generation { size, ..pin.clone() };
        change(&mut seen);
        continues(&seen, &pin, Pinning::Growth).is_ok()
    };
    let another_etag = |seen: &mut Generation| seen.etag = Some("B".to_owned());
    let another_crc = |seen: &mut Generation| seen.crc64 = Some(18);
    assert!(continues(1000, |_| {}) && continues(1001, |_| {}));
    assert!(continues(1001, another_etag) && continues(1001, another_crc));
    assert!(!continues(1000, another_etag) && !continues(1000, another_crc));
    assert!(!continues(999, |_| {}));
    assert!(!continues(1001, |seen| seen.appendable = false));
    assert!(!continues(1001, |seen| seen.version_id = Some("v2".to_owned())));
}

#[test]
fn headers_show_a_weak_etag_and_whether_an_object_may_grow() {
    let of = |lines: &[&str]| {
        let fixed = ["HTTP/1.1 200 OK", "Content-Length: 10", "x-oss-request-id: 1"];
        head_reply(&head(&[&fixed, lines].concat())).expect("good")
    };
    let generation = of(&["ETag: W/\"A\"", "x-oss-object-type: Appendable"]);
    assert_eq!(generation.etag.as_deref(), Some("W/\"A\""));
    assert!(generation.has_weak_etag() && generation.appendable);
    let generation = of(&["ETag: \"A\"", "x-oss-object-type: Normal"]);
    assert!(!generation.has_weak_etag() && !generation.appendable);
}

/// Any two generations, often equal.
fn any_generation() -> impl Strategy<Value = Generation> {
    let text = || prop::option::of(prop::sample::select(&["A", "B"]));
    let flags = (any::<bool>(), any::<bool>());
    (text(), 0u64..3, prop::option::of(0u64..2), text(), text(), flags).prop_map(
        |(etag, size, crc64, version_id, last_modified, (appendable, encrypted))| Generation {
            etag: etag.map(str::to_owned),
            size,
            crc64,
            version_id: version_id.map(str::to_owned),
            last_modified: last_modified.map(str::to_owned),
            appendable,
            encrypted,
        },
    )
}

#[test]
fn any_server_may_send_an_object_whole_or_chunked() {
    let whole = head(&["HTTP/1.1 200 OK", "Content-Length: 100", "ETag: \"A\""]);
    for (asked, ignored) in [(None, false), (Some((0, 99)), false), (Some((0, 500)), false)] {
        let reply = first_url_reply(&whole, asked).expect("good");
        assert_eq!((reply.body, reply.ranges_ignored), (0..100, ignored));
    }
    assert!(first_url_reply(&whole, Some((0, 98))).expect("good").ranges_ignored);
    assert_eq!(first_url_reply(&whole, Some((1, 98))), Err(Flaw::RangeIgnored));
    let chunked = head(&["HTTP/1.1 200 OK", "Transfer-Encoding: chunked"]);
    for asked in [None, Some((0, 9))] {
        let reply = first_url_reply(&chunked, asked).expect("good");
        assert!(reply.body == (0..UNKNOWN) && reply.ranges_ignored);
    }
    assert_eq!(first_url_reply(&chunked, Some((1, 9))), Err(Flaw::RangeIgnored));
    is_incomplete(first_url_reply(&head(&["HTTP/1.1 200 OK"]), None));
    let coded = ["HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "Content-Encoding: gzip"];
    contradicts(first_url_reply(&head(&coded), None));
    let part = head(&["HTTP/1.1 206 X", "Content-Range: bytes 5-9/100", "Content-Length: 5"]);
    assert_eq!(first_url_reply(&part, Some((5, 9))).expect("good").body, 5..10);
    contradicts(first_url_reply(&part, Some((5, 10))));
    contradicts(first_url_reply(&part, Some((4, 9))));
}

#[test]
fn the_reply_to_a_request_for_one_byte_tells_the_generation() {
    let sized = |lines: &[&str]| probe_reply(&head(lines)).map(|generation| generation.size);
    let part = ["HTTP/1.1 206 X", "Content-Range: bytes 0-0/100", "Content-Length: 1"];
    assert_eq!(sized(&part), Ok(100));
    assert_eq!(sized(&["HTTP/1.1 200 OK", "Content-Length: 100"]), Ok(100));
    for unclear in [&["HTTP/1.1 200 OK"][..], &["HTTP/1.1 206 X"], &["HTTP/1.1 204 X"]] {
        assert!(sized(unclear).is_err(), "{unclear:?}");
    }
}

proptest! {
    #[test]
    fn pinning_by_comparison_implies_pinning_by_if_match_which_implies_growth(
        seen in any_generation(), expected in any_generation(),
    ) {
        let by = |pinning| continues(&seen, &expected, pinning).is_ok();
        prop_assert!(!by(Pinning::Comparison) || by(Pinning::IfMatch));
        prop_assert!(!by(Pinning::IfMatch) || by(Pinning::Growth));
        prop_assert!(!by(Pinning::Growth) || seen.size >= expected.size);
        prop_assert!(!by(Pinning::Growth) || expected.encrypted || !seen.encrypted);
        prop_assert!(!by(Pinning::Growth) || seen.appendable || by(Pinning::IfMatch));
    }

    #[test]
    fn no_reply_is_accepted_for_bytes_that_were_not_requested(
        first in 0u64..2000, last in 0u64..2000, total in 0u64..2000, length in 0u64..2000,
        asked_first in 0u64..2000, asked_len in 1u64..2000,
    ) {
        let reply = partial(&format!("bytes {first}-{last}/{total}"), length);
        let asked = asked_first..asked_first + asked_len;
        if later_reply(&reply, &asked, &generation(), Pinning::IfMatch).is_ok() {
            prop_assert_eq!((first, last + 1, total, length), (asked.start, asked.end, 1000, asked_len));
        }
        if let Ok(opened) = first_reply(&reply, Some((asked.start, asked.end - 1))) {
            prop_assert_eq!(opened.body.start, asked.start);
            prop_assert_eq!(opened.body.end, asked.end.min(total));
            prop_assert_eq!(opened.body.end - opened.body.start, length);
        }
    }
}
