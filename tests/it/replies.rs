//! Replies that are not the requested ones: each ends with the right file or with a typed error.

use local_oss::{Config, Fault, Matcher, Object};
use oss_resumable::{DownloadRequest, Error, ErrorKind, Outcome, Overwrite, Proof, Result};

use crate::fixture::{BUCKET, Fixture, KEY, MIB};

const SIZE: u64 = 2 * MIB + 12_345;

/// A fixture in which `fault` applies to the requests that `matcher` selects.
fn fixture_with(matcher: Matcher, fault: Fault) -> Fixture {
    let fixture = Fixture::new(SIZE);
    fixture.server.inject_when(matcher, fault);
    fixture
}

fn first() -> Matcher {
    Matcher::any().nth(1)
}

/// Requests that do not start at byte 0.
fn later() -> Matcher {
    Matcher::any().from(2)
}

fn download(fixture: &Fixture) -> Result<Outcome> {
    fixture.client().download(&fixture.request())
}

fn header(name: &str, value: impl Into<Option<&'static str>>) -> Fault {
    Fault::Header { name: name.to_owned(), value: value.into().map(str::to_owned) }
}

/// Asserts that the download fails with this code and that no file appears.
fn assert_fails(fixture: &Fixture, kind: ErrorKind, code: &str) -> Error {
    let error = download(fixture).expect_err(code);
    assert_eq!((error.kind(), error.code()), (kind, code), "{error}");
    assert!(!fixture.target().exists());
    error
}

/// Asserts that the same download succeeds once the fault is gone: no state may persist.
fn assert_recovers(fixture: &Fixture) {
    fixture.server.clear_faults();
    fixture.assert_whole(&download(fixture).expect("without the fault"));
}

#[test]
fn the_whole_object_in_reply_to_the_first_range_is_accepted_as_one_stream() {
    let fixture = fixture_with(Matcher::any(), Fault::IgnoreRange);
    let outcome = download(&fixture).expect("download");
    fixture.assert_whole(&outcome);
    assert_eq!((outcome.proof, fixture.server.requests().len()), (Proof::ObjectCrc, 1));
}

#[test]
fn the_whole_object_in_reply_to_a_later_range_is_never_written() {
    let fixture = fixture_with(later(), Fault::IgnoreRange);
    let error = assert_fails(&fixture, ErrorKind::Integrity, "InvalidReply");
    assert!(error.message().contains("Range"), "{error}");
    assert_recovers(&fixture);
}

#[test]
fn a_range_is_not_mistaken_for_the_whole_object() {
    let fixture = fixture_with(Matcher::any(), Fault::IgnoreRange);
    let request = fixture.request().range(1000, 1999);
    let error = fixture.client().download(&request).expect_err("the range is ignored");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Integrity, "InvalidReply"));
    fixture.server.clear_faults();
    fixture.client().download(&request).expect("range");
    fixture.assert_range(1000..2000);
}

#[test]
fn a_range_from_0_is_cut_out_of_a_whole_body() {
    let fixture = fixture_with(Matcher::any(), Fault::IgnoreRange);
    let outcome = fixture.client().download(&fixture.request().range(0, 99)).expect("range");
    fixture.assert_range(0..100);
    assert_eq!((outcome.file_size, outcome.object_size), (100, SIZE));
}

#[test]
fn a_wrong_content_range_is_never_written() {
    for matcher in [Matcher::any(), later()] {
        let fixture = fixture_with(matcher, Fault::WrongContentRange);
        assert_fails(&fixture, ErrorKind::Integrity, "InvalidReply");
        assert_recovers(&fixture);
    }
}

#[test]
fn one_wrong_content_range_in_mid_download_is_retried() {
    let fixture = fixture_with(Matcher::any().nth(2), Fault::WrongContentRange);
    let outcome = download(&fixture).expect("download");
    fixture.assert_whole(&outcome);
    assert_eq!(outcome.statistics.retries_reply, 1);
}

#[test]
fn a_content_range_that_is_missing_or_unreadable_is_refused() {
    for value in [None, Some("bytes 0-99/*"), Some("bytes a-b/c"), Some("bytes 5-2/100")] {
        for matcher in [Matcher::any(), later()] {
            let fixture = fixture_with(matcher, header("Content-Range", value));
            assert_fails(&fixture, ErrorKind::Integrity, "InvalidReply");
            assert_recovers(&fixture);
        }
    }
}

#[test]
fn a_body_without_a_length_is_accepted() {
    for fault in [Fault::NoContentLength, Fault::Chunked] {
        for matcher in [Matcher::any(), first(), later()] {
            let fixture = fixture_with(matcher, fault.clone());
            let outcome = download(&fixture).expect("download");
            fixture.assert_whole(&outcome);
            assert_eq!(outcome.statistics.bytes_from_network, SIZE, "{fault:?}");
        }
    }
}

#[test]
fn bytes_after_the_body_s_end_are_dropped() {
    for framing in [Fault::RateLimit(1 << 40), Fault::NoContentLength, Fault::Chunked] {
        let fixture = fixture_with(Matcher::any(), Fault::LongBody(10_000));
        fixture.server.inject(framing);
        fixture.assert_whole(&download(&fixture).expect("download"));
    }
}

#[test]
fn a_short_body_is_continued_at_its_end() {
    for framing in [Fault::RateLimit(1 << 40), Fault::NoContentLength, Fault::Chunked] {
        for matcher in [first(), Matcher::any().nth(2)] {
            let fixture = fixture_with(matcher.clone(), Fault::ShortBody(1000));
            fixture.server.inject_when(matcher, framing.clone());
            let outcome = download(&fixture).expect("download");
            fixture.assert_whole(&outcome);
            assert_eq!(outcome.statistics.bytes_from_network, SIZE, "{framing:?}");
            assert_eq!(outcome.statistics.retries_broken, 1, "{framing:?}");
        }
    }
}

#[test]
fn bodies_that_are_always_short_still_complete_the_download() {
    let fixture = fixture_with(Matcher::any(), Fault::CloseAfter(150_000));
    let outcome = download(&fixture).expect("download");
    fixture.assert_whole(&outcome);
    assert_eq!(outcome.statistics.bytes_from_network, SIZE);
}

#[test]
fn garbage_of_the_right_length_is_fetched_once_more_and_then_an_error() {
    let fixture = fixture_with(Matcher::any(), Fault::GarbageBody);
    let error = assert_fails(&fixture, ErrorKind::Integrity, "CrcCheckError");
    assert!(error.message().contains("CRC-64"), "{error}");
    let sent: u64 = fixture.server.requests().iter().map(|request| request.body_bytes).sum();
    assert_eq!(sent, 2 * SIZE, "everything once, and once more");
    assert_eq!(fixture.files(), [""; 0], "the checkpoint would only repeat the failure");
    assert_recovers(&fixture);
}

#[test]
fn a_byte_that_is_sent_wrong_once_is_fetched_again() {
    let fixture = Fixture::new(SIZE);
    let flip = fixture.server.inject_when(Matcher::any().times(1), Fault::FlipByte(MIB));
    let outcome = download(&fixture).expect("download");
    fixture.assert_whole(&outcome);
    assert_eq!((outcome.proof, fixture.server.fault_hits(flip)), (Proof::ObjectCrc, 1));
    assert_eq!(outcome.statistics.bytes_from_network, 2 * SIZE);
    assert_eq!(outcome.statistics.bytes_discarded, SIZE);
}

#[test]
fn a_checksum_of_an_empty_object_that_is_wrong_once_is_requested_again() {
    let fixture = Fixture::new(0);
    fixture.server.inject_when(Matcher::any().times(1), Fault::WrongCrc);
    fixture.server.inject_when(Matcher::any().times(1), Fault::IgnoreRange);
    let outcome = download(&fixture).expect("download");
    fixture.assert_whole(&outcome);
    assert_eq!((outcome.proof, outcome.statistics.retries_reply), (Proof::ObjectCrc, 1));
}

#[test]
fn bytes_of_another_range_are_never_written() {
    for matcher in [first(), later().times(2)] {
        for request in [DownloadRequest::range, |r: DownloadRequest, _, _| r] {
            let fixture = fixture_with(matcher.clone(), Fault::OtherBytes(4096));
            let request = request(fixture.request(), 8192, -1);
            let outcome = fixture.client().download(&request).expect("download");
            fixture.assert_range(SIZE - outcome.file_size..SIZE);
            assert!(outcome.statistics.retries_reply > 0, "{:?}", outcome.statistics);
        }
    }
}

#[test]
fn a_checksum_of_the_service_that_stays_wrong_is_an_error() {
    let fixture = fixture_with(Matcher::any(), Fault::WrongCrc);
    assert_fails(&fixture, ErrorKind::Integrity, "CrcCheckError");
    assert_eq!(fixture.files(), [""; 0]);
    assert_recovers(&fixture);
}

#[test]
fn a_wrong_checksum_that_no_later_reply_corrects_is_an_error() {
    let fixture = fixture_with(Matcher::any().nth(1), Fault::WrongCrc);
    fixture.server.inject_when(Matcher::any().from(2), Fault::NoCrc);
    assert_fails(&fixture, ErrorKind::Integrity, "CrcCheckError");
    assert_eq!(fixture.files(), [""; 0]);
    assert_recovers(&fixture);
}

#[test]
fn without_a_checksum_of_the_service_the_proof_is_generation() {
    let fixture = fixture_with(Matcher::any(), Fault::NoCrc);
    let outcome = download(&fixture).expect("download");
    fixture.assert_whole(&outcome);
    assert_eq!((outcome.proof, outcome.object_crc64), (Proof::Generation, None));
    assert_eq!(outcome.crc64, fixture.server.object(BUCKET, KEY).expect("object").crc64());
}

#[test]
fn the_proof_of_a_range_is_generation() {
    let fixture = Fixture::new(SIZE);
    let outcome = fixture.client().download(&fixture.request().range(5, -1)).expect("range");
    assert_eq!(outcome.proof, Proof::Generation);
    assert_eq!(outcome.object_crc64, Some(fixture.server.object(BUCKET, KEY).expect("o").crc64()));
}

#[test]
fn a_wrong_checksum_is_ignored_only_when_verify_crc_is_off() {
    let fixture = fixture_with(Matcher::any(), Fault::WrongCrc);
    let client = fixture.client_with(|options| options.verify_crc = false);
    let outcome = client.download(&fixture.request()).expect("not compared");
    fixture.assert_whole(&outcome);
    assert_eq!(outcome.proof, Proof::NotCompared);
    assert_ne!(outcome.object_crc64, Some(outcome.crc64));
}

#[test]
fn without_an_etag_the_object_is_fetched_in_one_stream() {
    let fixture =
        Fixture::with(Config { send_etag: false, ..Config::default() }, Object::pattern(SIZE, 7));
    let outcome = download(&fixture).expect("download");
    fixture.assert_whole(&outcome);
    assert_eq!((outcome.etag, outcome.proof), (None, Proof::ObjectCrc));
    let requests = fixture.server.requests();
    assert!(requests.iter().all(|request| request.header("If-Match").is_none()));
    let complete = requests.iter().filter(|request| request.body_bytes == SIZE).count();
    assert_eq!(complete, 1, "all bytes are from one reply");
}

#[test]
fn without_an_etag_a_broken_stream_starts_over_and_leaves_no_checkpoint() {
    let fixture =
        Fixture::with(Config { send_etag: false, ..Config::default() }, Object::pattern(SIZE, 7));
    fixture.server.inject_when(Matcher::any().nth(2), Fault::CloseAfter(MIB));
    fixture.assert_whole(&download(&fixture).expect("the second stream holds"));

    fixture.server.inject(Fault::CloseAfter(MIB));
    std::fs::remove_file(fixture.target()).expect("remove");
    let error = download(&fixture).expect_err("every stream breaks");
    assert_eq!(error.kind(), ErrorKind::Transport, "{error}");
    assert_eq!(fixture.files(), [""; 0]);
}

#[test]
fn another_etag_on_one_reply_starts_over_and_ends_with_one_generation() {
    for k in 2..=4 {
        let fixture = fixture_with(Matcher::any().nth(k), Fault::WrongEtag);
        let outcome = download(&fixture).expect("download");
        fixture.assert_whole(&outcome);
        assert_eq!(outcome.statistics.retries_reply, 1, "reply {k}");
    }
}

#[test]
fn an_etag_that_changes_repeatedly_is_a_changed_object() {
    let fixture = Fixture::new(SIZE);
    for k in 2..30 {
        let etag = Fault::Header { name: "ETag".to_owned(), value: Some(format!("\"{k}\"")) };
        fixture.server.inject_when(Matcher::any().nth(k), etag);
    }
    assert_fails(&fixture, ErrorKind::ObjectChanged, "ObjectChanged");
    assert_eq!(fixture.files(), [""; 0]);
    assert_recovers(&fixture);
}

#[test]
fn another_etag_that_stays_is_treated_as_unrecognised_by_the_service() {
    let fixture = fixture_with(later(), Fault::WrongEtag);
    fixture.assert_whole(&download(&fixture).expect("download"));
}

#[test]
fn an_etag_that_disappears_is_a_changed_object() {
    let fixture = fixture_with(Matcher::any().nth(2), Fault::NoEtag);
    fixture.assert_whole(&download(&fixture).expect("download"));
}

#[test]
fn a_weak_etag_is_not_used_for_pinning() {
    let fixture = fixture_with(Matcher::any(), header("ETag", Some("W/\"weak\"")));
    fixture.assert_whole(&download(&fixture).expect("download"));
    assert!(fixture.server.requests().iter().all(|request| request.header("If-Match").is_none()));
}

#[test]
fn another_version_on_a_later_reply_starts_over() {
    let config = Config { versioning: true, ..Config::default() };
    let fixture = Fixture::with(config, Object::pattern(SIZE, 7));
    fixture.server.inject_when(Matcher::any().nth(2), header("x-oss-version-id", Some("another")));
    let outcome = download(&fixture).expect("download");
    fixture.assert_whole(&outcome);
    let stored = fixture.server.object(BUCKET, KEY).expect("object");
    assert_eq!(outcome.version_id.as_deref(), Some(stored.version_id()));
    assert_eq!(outcome.statistics.retries_reply, 1);
}

#[test]
fn a_reply_compressed_in_transit_is_refused() {
    for matcher in [Matcher::any(), later()] {
        let fixture = fixture_with(matcher, Fault::Gzip);
        let error = assert_fails(&fixture, ErrorKind::Integrity, "InvalidReply");
        assert!(error.message().contains("compressed"), "{error}");
        assert_recovers(&fixture);
    }
}

#[test]
fn an_object_stored_with_a_content_encoding_is_saved_as_it_is_stored() {
    let object = Object::pattern(SIZE, 7).content_encoding("gzip");
    let fixture = Fixture::with(Config::default(), object);
    let outcome = download(&fixture).expect("download");
    fixture.assert_whole(&outcome);
    assert_eq!(outcome.proof, Proof::ObjectCrc);
}

#[test]
fn a_client_side_encrypted_object_is_refused_unless_that_is_allowed() {
    let object = Object::pattern(SIZE, 7).header("x-oss-meta-client-side-encryption-key", "nDLK");
    let fixture = Fixture::with(Config::default(), object);
    let error = download(&fixture).expect_err("encrypted");
    assert_eq!(error.code(), "ClientSideEncrypted");
    assert!(error.message().contains("allow_encrypted"), "{error}");
    assert_eq!(fixture.files(), [""; 0]);

    let request = fixture.request_with(|request| request.allow_encrypted = true);
    fixture.assert_whole(&fixture.client().download(&request).expect("allowed"));
}

#[test]
fn a_redirection_is_reported_and_not_followed() {
    let elsewhere = Fixture::new(SIZE);
    let url = format!("{}/{BUCKET}/{KEY}?Signature=hush", elsewhere.server.endpoint());
    let fixture = fixture_with(Matcher::any(), Fault::Redirect(url));
    let error = assert_fails(&fixture, ErrorKind::Service, "TemporaryRedirect");
    assert_eq!(error.status(), 307);
    assert!(error.message().contains(&elsewhere.server.endpoint()), "{error}");
    assert!(!error.message().contains("hush"), "{error}");
    assert!(elsewhere.server.requests().is_empty());
    assert_eq!(fixture.server.requests().len(), 1);
}

#[test]
fn a_proxy_s_page_is_an_error_and_not_an_object() {
    let fixture = fixture_with(Matcher::any(), Fault::Html(404));
    let error = assert_fails(&fixture, ErrorKind::Service, "ServerError:404");
    assert!(error.message().contains("text/html"), "{error}");
    assert_eq!((error.status(), error.request_id()), (404, None));
    for status in [200, 206] {
        for matcher in [Matcher::any(), later()] {
            let fixture = fixture_with(matcher, Fault::Html(status));
            assert_fails(&fixture, ErrorKind::Integrity, "InvalidReply");
            assert_recovers(&fixture);
        }
    }
}

#[test]
fn the_details_of_an_error_document_are_reported() {
    let fixture = Fixture::new(10);
    fixture.server.put(BUCKET, KEY, Object::pattern(10, 7).archived());
    let error = assert_fails(&fixture, ErrorKind::Service, "InvalidObjectState");
    assert_eq!(error.status(), 403);
    assert!(error.message().contains("not valid for the object's state"), "{error}");
    assert!(error.message().contains("restore"), "{error}");
    assert!(error.request_id().is_some() && error.host_id().is_some());
}

#[test]
fn a_deleted_object_is_reported_as_deleted() {
    let config = Config { versioning: true, ..Config::default() };
    let fixture = Fixture::with(config, Object::pattern(10, 7));
    fixture.server.put(BUCKET, KEY, Object::delete_marker());
    let error = assert_fails(&fixture, ErrorKind::Service, "NoSuchKey");
    assert!(error.message().contains("deleted"), "{error}");
}

#[test]
fn the_error_of_a_head_is_read_from_its_header() {
    let fixture = fixture_with(Matcher::any(), Fault::RateLimit(4 * MIB));
    let request = fixture.request_with(|request| request.overwrite = Overwrite::Fail);
    let client = fixture.client();
    let download = client.start(&request).expect("start");
    while download.status().bytes_total.is_none() {
        std::thread::yield_now();
    }
    // Checked before the first request and at the rename: all bytes have arrived when it fails.
    std::fs::write(fixture.target(), "in the way").expect("write");
    let error = download.wait(None).expect("no limit").expect_err("a file is in the way");
    assert_eq!(error.code(), "FileAlreadyExists");
    std::fs::remove_file(fixture.target()).expect("remove");
    fixture.server.clear_faults();
    fixture.server.remove(BUCKET, KEY);
    let error = client.download(&request).expect_err("the object is gone");
    let last = fixture.server.requests().last().map(|request| request.method.clone());
    assert_eq!(last.as_deref(), Some("HEAD"));
    assert_eq!((error.status(), error.code()), (404, "NoSuchKey"));
    assert!(error.message().contains("The specified key does not exist"), "{error}");
}

#[test]
fn without_an_etag_no_second_reply_adds_to_the_first_one_s_bytes() {
    let fixture = Fixture::new(3 * MIB);
    fixture.server.inject(Fault::NoEtag);
    fixture.server.inject(Fault::NoCrc);
    fixture.server.inject_when(Matcher::any().nth(1), Fault::CloseAfter(MIB));
    fixture.server.inject_when(Matcher::any().nth(2), Fault::NewGeneration);
    let request = fixture.request().part_size(8 * MIB);
    let outcome = fixture.client().download(&request).expect("download");
    fixture.assert_whole(&outcome);
}
