//! Replies that are not what was asked for: each ends in the right file or in a typed error.

use local_oss::{Config, Fault, Matcher, Object};
use oss_resumable::{DownloadRequest, Error, ErrorKind, Outcome, Overwrite, Proof, Result};

use crate::lab::{BUCKET, KEY, Lab, MIB};

const SIZE: u64 = 2 * MIB + 12_345;

/// A lab whose requests, of those that `matcher` chooses, are struck by `fault`.
fn lab_with(matcher: Matcher, fault: Fault) -> Lab {
    let lab = Lab::new(SIZE);
    lab.server.inject_when(matcher, fault);
    lab
}

fn first() -> Matcher {
    Matcher::any().nth(1)
}

/// Requests that do not start at byte 0.
fn later() -> Matcher {
    Matcher::any().from(2)
}

fn download(lab: &Lab) -> Result<Outcome> {
    lab.client().download(&lab.request())
}

fn header(name: &str, value: impl Into<Option<&'static str>>) -> Fault {
    Fault::Header { name: name.to_owned(), value: value.into().map(str::to_owned) }
}

/// Asserts that the download fails with this code and that no file appears.
fn assert_fails(lab: &Lab, kind: ErrorKind, code: &str) -> Error {
    let error = download(lab).expect_err(code);
    assert_eq!((error.kind(), error.code()), (kind, code), "{error}");
    assert!(!lab.target().exists());
    error
}

/// Asserts that the same download succeeds once the fault is gone: no state may stick.
fn assert_recovers(lab: &Lab) {
    lab.server.clear_faults();
    lab.assert_whole(&download(lab).expect("without the fault"));
}

#[test]
fn the_whole_object_in_reply_to_the_first_range_is_accepted_as_one_stream() {
    let lab = lab_with(Matcher::any(), Fault::IgnoreRange);
    let outcome = download(&lab).expect("download");
    lab.assert_whole(&outcome);
    assert_eq!((outcome.proof, lab.server.requests().len()), (Proof::ObjectCrc, 1));
}

#[test]
fn the_whole_object_in_reply_to_a_later_range_is_never_written() {
    let lab = lab_with(later(), Fault::IgnoreRange);
    let error = assert_fails(&lab, ErrorKind::Integrity, "InvalidReply");
    assert!(error.message().contains("Range"), "{error}");
    assert_recovers(&lab);
}

#[test]
fn a_range_is_not_mistaken_for_the_whole_object() {
    let lab = lab_with(Matcher::any(), Fault::IgnoreRange);
    let request = lab.request().range(1000, 1999);
    let error = lab.client().download(&request).expect_err("the range is ignored");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Integrity, "InvalidReply"));
    lab.server.clear_faults();
    lab.client().download(&request).expect("range");
    lab.assert_range(1000..2000);
}

#[test]
fn a_range_from_0_is_cut_out_of_a_whole_body() {
    let lab = lab_with(Matcher::any(), Fault::IgnoreRange);
    let outcome = lab.client().download(&lab.request().range(0, 99)).expect("range");
    lab.assert_range(0..100);
    assert_eq!((outcome.file_size, outcome.object_size), (100, SIZE));
}

#[test]
fn a_wrong_content_range_is_never_written() {
    for matcher in [Matcher::any(), later()] {
        let lab = lab_with(matcher, Fault::WrongContentRange);
        assert_fails(&lab, ErrorKind::Integrity, "InvalidReply");
        assert_recovers(&lab);
    }
}

#[test]
fn one_wrong_content_range_on_the_way_is_asked_for_again() {
    let lab = lab_with(Matcher::any().nth(2), Fault::WrongContentRange);
    let outcome = download(&lab).expect("download");
    lab.assert_whole(&outcome);
    assert_eq!(outcome.statistics.retries_reply, 1);
}

#[test]
fn a_content_range_that_is_missing_or_unreadable_is_refused() {
    for value in [None, Some("bytes 0-99/*"), Some("bytes a-b/c"), Some("bytes 5-2/100")] {
        for matcher in [Matcher::any(), later()] {
            let lab = lab_with(matcher, header("Content-Range", value));
            assert_fails(&lab, ErrorKind::Integrity, "InvalidReply");
            assert_recovers(&lab);
        }
    }
}

#[test]
fn a_body_without_a_length_is_as_good_as_one_with() {
    for fault in [Fault::NoContentLength, Fault::Chunked] {
        for matcher in [Matcher::any(), first(), later()] {
            let lab = lab_with(matcher, fault.clone());
            let outcome = download(&lab).expect("download");
            lab.assert_whole(&outcome);
            assert_eq!(outcome.statistics.bytes_from_network, SIZE, "{fault:?}");
        }
    }
}

#[test]
fn bytes_after_the_body_s_end_are_dropped() {
    for framing in [Fault::RateLimit(1 << 40), Fault::NoContentLength, Fault::Chunked] {
        let lab = lab_with(Matcher::any(), Fault::LongBody(10_000));
        lab.server.inject(framing);
        lab.assert_whole(&download(&lab).expect("download"));
    }
}

#[test]
fn a_short_body_is_continued_at_its_end() {
    for framing in [Fault::RateLimit(1 << 40), Fault::NoContentLength, Fault::Chunked] {
        for matcher in [first(), Matcher::any().nth(2)] {
            let lab = lab_with(matcher.clone(), Fault::ShortBody(1000));
            lab.server.inject_when(matcher, framing.clone());
            let outcome = download(&lab).expect("download");
            lab.assert_whole(&outcome);
            assert_eq!(outcome.statistics.bytes_from_network, SIZE, "{framing:?}");
            assert_eq!(outcome.statistics.retries_broken, 1, "{framing:?}");
        }
    }
}

#[test]
fn a_body_that_is_always_short_still_comes_to_its_end() {
    let lab = lab_with(Matcher::any(), Fault::CloseAfter(150_000));
    let outcome = download(&lab).expect("download");
    lab.assert_whole(&outcome);
    assert_eq!(outcome.statistics.bytes_from_network, SIZE);
}

#[test]
fn garbage_of_the_right_length_is_fetched_once_more_and_then_an_error() {
    let lab = lab_with(Matcher::any(), Fault::GarbageBody);
    let error = assert_fails(&lab, ErrorKind::Integrity, "CrcCheckError");
    assert!(error.message().contains("CRC-64"), "{error}");
    let sent: u64 = lab.server.requests().iter().map(|request| request.body_bytes).sum();
    assert_eq!(sent, 2 * SIZE, "everything once, and once more");
    assert_eq!(lab.files(), [""; 0], "the checkpoint would only repeat the failure");
    assert_recovers(&lab);
}

#[test]
fn a_byte_that_is_sent_wrong_once_is_healed() {
    let lab = Lab::new(SIZE);
    let flip = lab.server.inject_when(Matcher::any().times(1), Fault::FlipByte(MIB));
    let outcome = download(&lab).expect("download");
    lab.assert_whole(&outcome);
    assert_eq!((outcome.proof, lab.server.fault_hits(flip)), (Proof::ObjectCrc, 1));
    assert_eq!(outcome.statistics.bytes_from_network, 2 * SIZE);
    assert_eq!(outcome.statistics.bytes_discarded, SIZE);
}

#[test]
fn a_checksum_of_an_empty_object_that_is_wrong_once_is_asked_for_again() {
    let lab = Lab::new(0);
    lab.server.inject_when(Matcher::any().times(1), Fault::WrongCrc);
    lab.server.inject_when(Matcher::any().times(1), Fault::IgnoreRange);
    let outcome = download(&lab).expect("download");
    lab.assert_whole(&outcome);
    assert_eq!((outcome.proof, outcome.statistics.retries_reply), (Proof::ObjectCrc, 1));
}

#[test]
fn bytes_of_another_range_are_never_written() {
    for matcher in [first(), later().times(2)] {
        for request in [DownloadRequest::range, |r: DownloadRequest, _, _| r] {
            let lab = lab_with(matcher.clone(), Fault::OtherBytes(4096));
            let request = request(lab.request(), 8192, -1);
            let outcome = lab.client().download(&request).expect("download");
            lab.assert_range(SIZE - outcome.file_size..SIZE);
            assert!(outcome.statistics.retries_reply > 0, "{:?}", outcome.statistics);
        }
    }
}

#[test]
fn a_checksum_of_the_service_that_is_wrong_for_ever_is_an_error() {
    let lab = lab_with(Matcher::any(), Fault::WrongCrc);
    assert_fails(&lab, ErrorKind::Integrity, "CrcCheckError");
    assert_eq!(lab.files(), [""; 0]);
    assert_recovers(&lab);
}

#[test]
fn without_a_checksum_of_the_service_the_proof_says_so() {
    let lab = lab_with(Matcher::any(), Fault::NoCrc);
    let outcome = download(&lab).expect("download");
    lab.assert_whole(&outcome);
    assert_eq!((outcome.proof, outcome.object_crc64), (Proof::Generation, None));
    assert_eq!(outcome.crc64, lab.server.object(BUCKET, KEY).expect("object").crc64());
}

#[test]
fn a_range_is_proven_as_bytes_of_one_generation() {
    let lab = Lab::new(SIZE);
    let outcome = lab.client().download(&lab.request().range(5, -1)).expect("range");
    assert_eq!(outcome.proof, Proof::Generation);
    assert_eq!(outcome.object_crc64, Some(lab.server.object(BUCKET, KEY).expect("o").crc64()));
}

#[test]
fn a_wrong_checksum_goes_unnoticed_only_where_comparing_is_switched_off() {
    let lab = lab_with(Matcher::any(), Fault::WrongCrc);
    let client = lab.client_with(|options| options.verify_crc = false);
    let outcome = client.download(&lab.request()).expect("not compared");
    lab.assert_whole(&outcome);
    assert_eq!(outcome.proof, Proof::NotCompared);
    assert_ne!(outcome.object_crc64, Some(outcome.crc64));
}

#[test]
fn without_an_etag_the_object_comes_in_one_stream() {
    let lab = Lab::with(Config { send_etag: false, ..Config::default() }, Object::pattern(SIZE, 7));
    let outcome = download(&lab).expect("download");
    lab.assert_whole(&outcome);
    assert_eq!((outcome.etag, outcome.proof), (None, Proof::ObjectCrc));
    let requests = lab.server.requests();
    assert!(requests.iter().all(|request| request.header("If-Match").is_none()));
    let complete = requests.iter().filter(|request| request.body_bytes == SIZE).count();
    assert_eq!(complete, 1, "all bytes come from one reply");
}

#[test]
fn without_an_etag_a_broken_stream_starts_over_and_leaves_no_checkpoint() {
    let lab = Lab::with(Config { send_etag: false, ..Config::default() }, Object::pattern(SIZE, 7));
    lab.server.inject_when(Matcher::any().nth(2), Fault::CloseAfter(MIB));
    lab.assert_whole(&download(&lab).expect("the second stream holds"));

    lab.server.inject(Fault::CloseAfter(MIB));
    std::fs::remove_file(lab.target()).expect("remove");
    let error = download(&lab).expect_err("every stream breaks");
    assert_eq!(error.kind(), ErrorKind::Transport, "{error}");
    assert_eq!(lab.files(), [""; 0]);
}

#[test]
fn another_etag_on_one_reply_starts_over_and_ends_with_one_generation() {
    for k in 2..=4 {
        let lab = lab_with(Matcher::any().nth(k), Fault::WrongEtag);
        let outcome = download(&lab).expect("download");
        lab.assert_whole(&outcome);
        assert_eq!(outcome.statistics.retries_reply, 1, "reply {k}");
    }
}

#[test]
fn another_etag_again_and_again_is_a_changed_object() {
    let lab = lab_with(later(), Fault::WrongEtag);
    assert_fails(&lab, ErrorKind::ObjectChanged, "ObjectChanged");
    assert_eq!(lab.files(), [""; 0]);
    assert_recovers(&lab);
}

#[test]
fn an_etag_that_vanishes_is_a_changed_object() {
    let lab = lab_with(Matcher::any().nth(2), Fault::NoEtag);
    lab.assert_whole(&download(&lab).expect("download"));
}

#[test]
fn a_weak_etag_pins_nothing() {
    let lab = lab_with(Matcher::any(), header("ETag", Some("W/\"weak\"")));
    lab.assert_whole(&download(&lab).expect("download"));
    assert!(lab.server.requests().iter().all(|request| request.header("If-Match").is_none()));
}

#[test]
fn another_version_on_a_later_reply_starts_over() {
    let config = Config { versioning: true, ..Config::default() };
    let lab = Lab::with(config, Object::pattern(SIZE, 7));
    lab.server.inject_when(Matcher::any().nth(2), header("x-oss-version-id", Some("another")));
    let outcome = download(&lab).expect("download");
    lab.assert_whole(&outcome);
    let stored = lab.server.object(BUCKET, KEY).expect("object");
    assert_eq!(outcome.version_id.as_deref(), Some(stored.version_id()));
    assert_eq!(outcome.statistics.retries_reply, 1);
}

#[test]
fn a_reply_compressed_on_its_way_is_refused() {
    for matcher in [Matcher::any(), later()] {
        let lab = lab_with(matcher, Fault::Gzip);
        let error = assert_fails(&lab, ErrorKind::Integrity, "InvalidReply");
        assert!(error.message().contains("compressed"), "{error}");
        assert_recovers(&lab);
    }
}

#[test]
fn an_object_stored_with_a_content_encoding_is_saved_as_it_is_stored() {
    let object = Object::pattern(SIZE, 7).content_encoding("gzip");
    let lab = Lab::with(Config::default(), object);
    let outcome = download(&lab).expect("download");
    lab.assert_whole(&outcome);
    assert_eq!(outcome.proof, Proof::ObjectCrc);
}

#[test]
fn a_client_side_encrypted_object_is_refused_unless_that_is_allowed() {
    let object = Object::pattern(SIZE, 7).header("x-oss-meta-client-side-encryption-key", "nDLK");
    let lab = Lab::with(Config::default(), object);
    let error = download(&lab).expect_err("encrypted");
    assert_eq!(error.code(), "ClientSideEncrypted");
    assert!(error.message().contains("allow_encrypted"), "{error}");
    assert_eq!(lab.files(), [""; 0]);

    let request = lab.request_with(|request| request.allow_encrypted = true);
    lab.assert_whole(&lab.client().download(&request).expect("allowed"));
}

#[test]
fn a_redirection_is_reported_and_not_followed() {
    let elsewhere = Lab::new(SIZE);
    let url = format!("{}/{BUCKET}/{KEY}?Signature=hush", elsewhere.server.endpoint());
    let lab = lab_with(Matcher::any(), Fault::Redirect(url));
    let error = assert_fails(&lab, ErrorKind::Service, "TemporaryRedirect");
    assert_eq!(error.status(), 307);
    assert!(error.message().contains(&elsewhere.server.endpoint()), "{error}");
    assert!(!error.message().contains("hush"), "{error}");
    assert!(elsewhere.server.requests().is_empty());
    assert_eq!(lab.server.requests().len(), 1);
}

#[test]
fn a_proxy_s_page_is_an_error_and_not_an_object() {
    let lab = lab_with(Matcher::any(), Fault::Html(404));
    let error = assert_fails(&lab, ErrorKind::Service, "ServerError:404");
    assert!(error.message().contains("text/html"), "{error}");
    assert_eq!((error.status(), error.request_id()), (404, None));
    for status in [200, 206] {
        for matcher in [Matcher::any(), later()] {
            let lab = lab_with(matcher, Fault::Html(status));
            assert_fails(&lab, ErrorKind::Integrity, "InvalidReply");
            assert_recovers(&lab);
        }
    }
}

#[test]
fn an_error_document_is_read_to_its_details() {
    let lab = Lab::new(10);
    lab.server.put(BUCKET, KEY, Object::pattern(10, 7).archived());
    let error = assert_fails(&lab, ErrorKind::Service, "InvalidObjectState");
    assert_eq!(error.status(), 403);
    assert!(error.message().contains("not valid for the object's state"), "{error}");
    assert!(error.message().contains("restore"), "{error}");
    assert!(error.request_id().is_some() && error.host_id().is_some());
}

#[test]
fn a_deleted_object_is_told_as_such() {
    let config = Config { versioning: true, ..Config::default() };
    let lab = Lab::with(config, Object::pattern(10, 7));
    lab.server.put(BUCKET, KEY, Object::delete_marker());
    let error = assert_fails(&lab, ErrorKind::Service, "NoSuchKey");
    assert!(error.message().contains("deleted"), "{error}");
}

#[test]
fn the_error_of_a_head_is_read_from_its_header() {
    let lab = lab_with(Matcher::any(), Fault::RateLimit(4 * MIB));
    let request = lab.request_with(|request| request.overwrite = Overwrite::Fail);
    let client = lab.client();
    let download = client.start(&request).expect("start");
    while download.status().bytes_total.is_none() {
        std::thread::yield_now();
    }
    // Looked at before the first request and at the rename: every byte is there when it fails.
    std::fs::write(lab.target(), "in the way").expect("write");
    let error = download.wait(None).expect("no limit").expect_err("a file is in the way");
    assert_eq!(error.code(), "FileAlreadyExists");
    std::fs::remove_file(lab.target()).expect("remove");
    lab.server.clear_faults();
    lab.server.remove(BUCKET, KEY);
    let error = client.download(&request).expect_err("the object is gone");
    let last = lab.server.requests().last().map(|request| request.method.clone());
    assert_eq!(last.as_deref(), Some("HEAD"));
    assert_eq!((error.status(), error.code()), (404, "NoSuchKey"));
    assert!(error.message().contains("The specified key does not exist"), "{error}");
}

#[test]
fn without_an_etag_no_second_reply_adds_to_the_first_one_s_bytes() {
    let lab = Lab::new(3 * MIB);
    lab.server.inject(Fault::NoEtag);
    lab.server.inject(Fault::NoCrc);
    lab.server.inject_when(Matcher::any().nth(1), Fault::CloseAfter(MIB));
    lab.server.inject_when(Matcher::any().nth(2), Fault::NewGeneration);
    let request = lab.request().part_size(8 * MIB);
    let outcome = lab.client().download(&request).expect("download");
    lab.assert_whole(&outcome);
}
