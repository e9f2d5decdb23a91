//! Services that refuse their own ETag, and objects that grow: how the bytes of several replies are pinned to one
//! generation without `If-Match`.

use local_oss::{Config, Fault, LoggedRequest, Matcher, Object};
use oss_resumable::{DownloadRequest, ErrorKind, Outcome, Overwrite, Proof, Status};

use crate::fixture::{BUCKET, Fixture, KEY, MIB, PART};
use crate::traffic::{merged, sent, total};

use super::{each, fixture, fixture_of, header};

const SIZE: u64 = MIB + 5000;
/// Number of bytes by which the object grows before each GET.
const GROWTH: u64 = 50_000;

/// The suffix that a proxy appends to an ETag when it compresses replies.
fn suffixed() -> Fault {
    Fault::EtagSuffix("-gzip".to_owned())
}

fn has_if_match(request: &LoggedRequest) -> bool {
    request.header("If-Match").is_some()
}

/// Asserts that the replies after the first `skipped` requests delivered these bytes, and none of them twice.
fn assert_sent_once(fixture: &Fixture, skipped: usize, bytes: std::ops::Range<u64>) {
    let replies: Vec<_> = fixture.requests_after(skipped).iter().map(sent).collect();
    assert_eq!(merged(replies.clone()), std::slice::from_ref(&bytes));
    assert_eq!(total(&replies), bytes.end - bytes.start, "a byte came twice");
}

/// Resumes, and asserts that all recorded bytes were used and none fetched twice.
fn resume(fixture: &Fixture, request: &DownloadRequest, held: u64) -> Outcome {
    let before = fixture.server.requests().len();
    let outcome = fixture.client().download(request).expect("resume");
    fixture.assert_range(0..outcome.file_size);
    assert_eq!(outcome.proof, Proof::ObjectCrc);
    assert_eq!(outcome.statistics.bytes_reused, held);
    assert_sent_once(fixture, before, held..outcome.file_size);
    assert_eq!(fixture.files(), ["file.bin"]);
    outcome
}

/// Leaves every byte and its record: the target was created by another process during the download.
fn leave_everything(fixture: &Fixture, request: &DownloadRequest) {
    let mut request = request.clone();
    request.overwrite = Overwrite::Fail;
    fixture.server.inject_when(Matcher::any().times(1), Fault::RateLimit(PART));
    let mut in_the_way = |status: &Status| {
        if status.bytes_done > 0 && !fixture.target().exists() {
            std::fs::write(fixture.target(), b"in the way").expect("write");
        }
        true
    };
    let error = fixture.client().download_with(&request, &mut in_the_way);
    assert_eq!(error.expect_err("in the way").code(), "FileAlreadyExists");
    std::fs::remove_file(fixture.target()).expect("remove");
}

mod refused_etags {
    use super::*;

    fn refusing(fault: Fault) -> Fixture {
        let fixture = fixture(SIZE);
        fixture.server.inject(fault);
        fixture
    }

    #[test]
    fn a_service_that_refuses_its_own_etag_is_sent_no_if_match() {
        for connections in [1, 3, 8] {
            for fault in [suffixed(), Fault::WeakEtag] {
                let fixture = refusing(fault.clone());
                for request in [fixture.request(), fixture.request_without_checkpoint()] {
                    let before = fixture.server.requests().len();
                    let request = request.thread_num(connections);
                    let outcome = fixture.assert_downloads(&fixture.client(), &request);
                    assert_eq!(outcome.proof, Proof::ObjectCrc);
                    assert_eq!(outcome.statistics.bytes_discarded, 0);
                    assert_sent_once(&fixture, before, 0..SIZE);
                    let requests = fixture.requests_after(before);
                    let refused = requests.iter().filter(|r| r.status == Some(412)).count();
                    let asked = requests.iter().filter(|r| has_if_match(r)).count();
                    assert_eq!(refused, asked, "a condition that held");
                    // It is known that a weak ETag does not satisfy `If-Match`.
                    let most =
                        if matches!(fault, Fault::WeakEtag) { 0 } else { connections as usize };
                    assert!(refused <= most, "{refused} refusals on {connections} connections");
                }
            }
        }
    }

    #[test]
    fn a_download_with_a_refused_etag_continues_at_the_byte_where_it_broke() {
        for fault in [suffixed(), Fault::WeakEtag] {
            let fixture = refusing(fault);
            fixture.server.inject(Fault::CloseAfter(150_000));
            let outcome = fixture.assert_downloads(&fixture.client(), &fixture.request());
            assert!(outcome.statistics.bytes_discarded == 0, "{:?}", outcome.statistics);
            assert_sent_once(&fixture, 0, 0..SIZE);
        }
    }

    #[test]
    fn a_later_run_uses_bytes_recorded_without_if_match_and_does_not_send_it_again() {
        for fault in [suffixed(), Fault::WeakEtag] {
            let fixture = refusing(fault.clone());
            let broken = Matcher::any().from(if matches!(fault, Fault::WeakEtag) { 2 } else { 3 });
            fixture.server.inject_when(broken, Fault::CloseAfter(200_000));
            let request = fixture.request().thread_num(1);
            fixture.client_without_retries().download(&request).expect_err("interrupted");
            fixture.server.clear_faults();
            fixture.server.inject(fault);
            let before = fixture.server.requests().len();
            resume(&fixture, &request, PART + 200_000);
            assert!(!fixture.requests_after(before).iter().any(has_if_match));
        }
    }

    #[test]
    fn the_etag_may_be_refused_for_the_first_time_in_a_later_run() {
        let fixture = refusing(suffixed());
        fixture.server.inject_when(Matcher::any().nth(1), Fault::CloseAfter(50_000));
        fixture.client_without_retries().download(&fixture.request()).expect_err("interrupted");
        resume(&fixture, &fixture.request(), 50_000);
    }

    #[test]
    fn a_run_that_misses_nothing_sends_its_head_without_if_match() {
        let fixture = Fixture::new(PART);
        fixture.server.inject(suffixed());
        leave_everything(&fixture, &fixture.request());
        let before = fixture.server.requests().len();
        let outcome = fixture.client().download(&fixture.request()).expect("nothing is missing");
        fixture.assert_whole(&outcome);
        assert_eq!(outcome.statistics.bytes_reused, PART);
        let answers: Vec<_> = fixture
            .requests_after(before)
            .iter()
            .map(|request| (request.method.clone(), has_if_match(request), request.status))
            .collect();
        let head = |condition, status| ("HEAD".to_owned(), condition, Some(status));
        assert_eq!(answers, [head(true, 412), head(false, 200)]);
    }

    #[test]
    fn a_run_that_misses_nothing_of_a_replaced_object_starts_over() {
        let fixture = Fixture::new(PART);
        fixture.server.inject(suffixed());
        leave_everything(&fixture, &fixture.request());
        fixture.server.replace(BUCKET, KEY);
        let outcome = fixture.client().download(&fixture.request()).expect("download");
        fixture.assert_whole(&outcome);
        assert_eq!(outcome.statistics.bytes_reused, 0);
    }

    #[test]
    fn an_object_that_is_replaced_while_its_etag_is_refused_gives_one_generation() {
        let cases = [suffixed(), Fault::WeakEtag];
        let cases = cases.into_iter().flat_map(|fault| (1..=10).map(move |k| (fault.clone(), k)));
        each(cases, |(fault, k)| {
            let fixture = refusing(fault.clone());
            fixture.server.inject(Fault::CloseAfter(180_000));
            fixture.server.inject_when(Matcher::any().nth(*k), Fault::NewGeneration);
            let outcome = fixture.client().download(&fixture.request());
            let outcome = outcome.unwrap_or_else(|error| panic!("{fault:?} at {k}: {error}"));
            fixture.assert_whole(&outcome);
            assert_eq!(outcome.proof, Proof::ObjectCrc);
        });
    }

    #[test]
    fn an_object_that_is_replaced_repeatedly_while_its_etag_is_refused_is_an_error() {
        for fault in [suffixed(), Fault::WeakEtag] {
            let fixture = refusing(fault);
            fixture.server.inject(Fault::NewGeneration);
            let kind = ErrorKind::ObjectChanged;
            let request = fixture.request();
            fixture.assert_refuses(&fixture.client(), &request, kind, "ObjectChanged");
            fixture.assert_recovers(&request);
        }
    }

    #[test]
    fn with_a_refused_etag_another_last_modified_is_another_object() {
        let fixture = refusing(suffixed());
        let other = header("Last-Modified", Some("Fri, 24 Feb 2012 06:07:48 GMT"));
        fixture.server.inject_when(Matcher::any().nth(3), other);
        let outcome = fixture.assert_downloads(&fixture.client(), &fixture.single());
        assert_eq!(outcome.statistics.bytes_discarded, PART);
    }

    #[test]
    fn a_change_without_another_header_is_found_by_the_checksum() {
        let fixture = fixture(SIZE);
        fixture.server.inject(header("ETag", Some("\"always-gzip\"")));
        fixture.server.inject(header("Last-Modified", None));
        // The second request is refused, the third breaks, and the fourth continues in another object.
        fixture.server.inject_when(Matcher::any().nth(3), Fault::CloseAfter(300_000));
        fixture.server.inject_when(Matcher::any().nth(4), Fault::NewGeneration);
        fixture.server.inject_when(Matcher::any().nth(4), Fault::NoCrc);
        let outcome = fixture.assert_downloads(&fixture.client(), &fixture.single());
        assert_eq!(outcome.proof, Proof::ObjectCrc);
        assert_eq!(outcome.statistics.bytes_discarded, SIZE);
        assert_eq!(fixture.server.requests().len(), 7);
    }

    #[test]
    fn a_download_that_cannot_be_verified_is_an_error_with_that_reason() {
        let cases = [
            (false, true, 0..SIZE, "does not send it"),
            (true, false, 0..SIZE, "verify_crc"),
            (true, true, 1000..701_000, "a part of the object"),
        ];
        for (send_crc, verify_crc, bytes, word) in cases {
            let count = bytes.end - bytes.start;
            let fixture = fixture_of(Config { send_crc, ..Config::default() }, SIZE);
            fixture.server.inject(suffixed());
            let client = fixture.client_with(|options| options.verify_crc = verify_crc);
            let request = fixture.request().range(bytes.start as i64, bytes.end as i64 - 1);
            let code = "PreconditionFailed";
            let error = fixture.assert_refuses(&client, &request, ErrorKind::Service, code);
            assert_eq!(error.status(), 412);
            assert!(error.request_id().is_some());
            let message = error.message();
            for part in
                [word, "-gzip\"", "has not changed", &format!("part_size to at least {count}")]
            {
                assert!(message.contains(part), "{part}: {message}");
            }
            // The remedy in the message.
            let outcome = client.download(&request.clone().part_size(count)).expect("one reply");
            fixture.assert_range(bytes);
            assert_eq!(outcome.statistics.requests, 1);
        }
    }

    #[test]
    fn bytes_fetched_without_if_match_are_not_used_by_a_run_that_compares_no_checksum() {
        let fixture = refusing(suffixed());
        fixture.server.inject_when(Matcher::any().from(3), Fault::CloseAfter(200_000));
        let request = fixture.request().thread_num(1);
        fixture.client_without_retries().download(&request).expect_err("interrupted");
        fixture.server.clear_faults();
        fixture.server.inject(suffixed());
        let client = fixture.client_with(|options| options.verify_crc = false);
        let outcome = client.download(&request.part_size(SIZE)).expect("download");
        fixture.assert_whole(&outcome);
        assert_eq!(outcome.statistics.bytes_reused, 0);
    }
}

mod growing_objects {
    use super::*;

    fn growing(object: Object) -> Fixture {
        let fixture = Fixture::with(Config::default(), object.appendable());
        fixture.put_old_file();
        grow_at_each_get(&fixture);
        fixture
    }

    fn grow_at_each_get(fixture: &Fixture) {
        fixture.server.inject_when(Matcher::any().method("GET"), Fault::Grow(GROWTH));
    }

    fn object() -> Object {
        Object::pattern(SIZE, 7)
    }

    #[test]
    fn a_growing_object_is_downloaded_as_of_the_first_reply() {
        for connections in [1, 3, 8] {
            let fixture = growing(object());
            for request in [fixture.request(), fixture.request_without_checkpoint()] {
                let before = fixture.server.requests().len();
                let size = fixture.server.object(BUCKET, KEY).expect("object").size() + GROWTH;
                let request = request.thread_num(connections);
                let outcome = fixture.client().download(&request).expect("download");
                assert_eq!((outcome.file_size, outcome.object_size), (size, size));
                assert_eq!(
                    (outcome.proof, outcome.object_crc64),
                    (Proof::ObjectCrc, Some(outcome.crc64))
                );
                fixture.assert_range(0..size);
                assert_eq!(fixture.files(), ["file.bin"]);
                assert_sent_once(&fixture, before, 0..size);
                assert!(!fixture.requests_after(before).iter().any(has_if_match));
            }
        }
    }

    #[test]
    fn a_growing_object_continues_at_the_byte_where_it_broke() {
        let fixture = growing(object());
        fixture.server.inject(Fault::CloseAfter(150_000));
        let outcome = fixture.client().download(&fixture.request()).expect("download");
        fixture.assert_range(0..SIZE + GROWTH);
        assert_eq!(outcome.statistics.bytes_discarded, 0);
        assert_sent_once(&fixture, 0, 0..SIZE + GROWTH);
    }

    #[test]
    fn an_object_that_grew_since_an_earlier_run_is_resumed_and_nothing_is_fetched_twice() {
        for preallocate in [false, true] {
            let fixture = growing(object());
            let request = fixture.request_with(|request| request.preallocate = preallocate);
            let mut held = 0;
            for _ in 0..3 {
                held += fixture.interrupt(&request, 54_321).1.bytes_from_network;
                grow_at_each_get(&fixture);
            }
            assert_eq!(held, 3 * (PART + 54_321));
            // Two requests of each run, and the first one of this run.
            let size = fixture.server.object(BUCKET, KEY).expect("object").size() + GROWTH;
            let outcome = resume(&fixture, &request, held);
            assert_eq!((outcome.file_size, outcome.object_size), (size, size));
        }
    }

    #[test]
    fn an_object_that_grew_after_its_last_byte_was_stored_is_continued_there() {
        for preallocate in [false, true] {
            let short = Object::pattern(PART, 7).appendable();
            let fixture = Fixture::with(Config::default(), short);
            let request = fixture.request_with(|request| request.preallocate = preallocate);
            leave_everything(&fixture, &request);
            fixture.server.append(BUCKET, KEY, GROWTH).expect("grows");
            let outcome = resume(&fixture, &request, PART);
            assert!(!fixture.server.requests().iter().any(has_if_match));
            assert_eq!(outcome.file_size, PART + GROWTH);
        }
    }

    #[test]
    fn an_empty_object_that_grows_is_downloaded_as_of_the_first_successful_reply() {
        let fixture = Fixture::with(Config::default(), Object::bytes("").appendable());
        // A range cannot select a byte of an empty object.
        fixture.server.inject_when(Matcher::any().from(2), Fault::Grow(GROWTH));
        let outcome = fixture.assert_downloads(&fixture.client(), &fixture.request());
        assert_eq!((outcome.file_size, outcome.proof), (GROWTH, Proof::ObjectCrc));
        assert_eq!(fixture.server.requests().len(), 2);
    }

    #[test]
    fn a_growing_object_that_was_replaced_since_an_earlier_run_is_fetched_again() {
        let others = [
            Object::pattern(SIZE - 1, 8).appendable(),
            Object::pattern(SIZE, 8).appendable(),
            Object::pattern(2 * SIZE, 8),
            Object::pattern(PART / 2, 8).appendable(),
            // Only the checksum distinguishes this object from the old one after growth.
            Object::pattern(2 * SIZE, 8).appendable(),
        ];
        each(others, |other| {
            let fixture = Fixture::with(Config::default(), object().appendable());
            fixture.interrupt(&fixture.request(), 300_000);
            fixture.server.put(BUCKET, KEY, other.clone());
            let outcome = fixture.assert_downloads(&fixture.client(), &fixture.request());
            assert_eq!(outcome.proof, Proof::ObjectCrc);
        });
    }

    #[test]
    fn a_growing_object_that_is_replaced_meanwhile_gives_one_generation() {
        let others = [
            Object::pattern(SIZE - 1, 8).appendable(),
            Object::pattern(SIZE, 8).appendable(),
            Object::pattern(2 * SIZE, 8),
            Object::pattern(2 * SIZE, 8).appendable(),
        ];
        let cases = others.into_iter().flat_map(|other| (2..=5).map(move |k| (other.clone(), k)));
        each(cases, |(other, k)| {
            let fixture = Fixture::with(Config::default(), object().appendable());
            fixture.server.inject(Fault::CloseAfter(180_000));
            let replaced = Fault::ReplaceObject(Box::new(other.clone()));
            fixture.server.inject_when(Matcher::any().nth(*k), replaced);
            let outcome = fixture.client().download(&fixture.request()).expect("download");
            fixture.assert_whole(&outcome);
            assert_eq!(outcome.proof, Proof::ObjectCrc);
        });
    }

    #[test]
    fn a_growing_object_that_cannot_be_verified_is_a_changed_object() {
        let without_crc = growing(object().without_crc64());
        let with_crc = growing(object());
        let part = with_crc.request().range(1000, 700_999);
        let cases = [
            (&without_crc, true, without_crc.request()),
            (&with_crc, false, with_crc.request()),
            (&with_crc, true, part),
        ];
        for (fixture, verify_crc, request) in cases {
            let client = fixture.client_with(|options| options.verify_crc = verify_crc);
            let kind = ErrorKind::ObjectChanged;
            let error = fixture.assert_refuses(&client, &request, kind, "ObjectChanged");
            assert!(error.message().contains("Appendable"), "{error}");
            // It is downloaded like every other object while nothing is appended.
            fixture.server.clear_faults();
            client.download(&request).expect("it does not grow");
            fixture.put_old_file();
            grow_at_each_get(fixture);
        }
    }

    #[test]
    fn a_range_of_all_bytes_of_a_growing_object_is_the_whole_object() {
        for end in [-1, 100 * SIZE as i64] {
            let fixture = growing(object());
            let request = fixture.request().range(0, end);
            let outcome = fixture.client().download(&request).expect("download");
            assert_eq!((outcome.file_size, outcome.proof), (SIZE + GROWTH, Proof::ObjectCrc));
            fixture.assert_range(0..SIZE + GROWTH);
        }
    }

    #[test]
    fn bytes_of_a_shorter_object_are_not_used_by_a_run_that_compares_no_checksum() {
        let fixture = Fixture::with(Config::default(), object().appendable());
        fixture.interrupt(&fixture.request(), 300_000);
        // Longer and with other bytes: the recorded bytes are kept until the checksum shows that they are of another
        // object.
        fixture.server.put(BUCKET, KEY, Object::pattern(2 * SIZE, 8).appendable());
        fixture.interrupt(&fixture.request(), 300_000);
        let uncompared = fixture.client_with(|options| options.verify_crc = false);
        let outcome = uncompared.download(&fixture.request()).expect("download");
        fixture.assert_whole(&outcome);
        assert_eq!((outcome.proof, outcome.statistics.bytes_reused), (Proof::NotCompared, 0));
    }
}
