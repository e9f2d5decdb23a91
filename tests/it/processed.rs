//! Objects that the service processes (`x-oss-process`): one stream, whose length is not known in advance.

use std::io::{Read, Write};
use std::net::TcpListener;

use local_oss::{Config, Fault, Matcher, Object, Tls};
use oss_resumable::{
    ByteRange, Checkpoint, DownloadRequest, Error, ErrorKind, Outcome, Phase, Proof,
};

use crate::fixture::{BUCKET, Fixture, KEY, MIB};

const STORED: u64 = 400_000;
const RESULT: u64 = 3 * MIB + 123;
const OLD: &[u8] = b"an older file";

/// The object, and the result of processing it.
fn object() -> Object {
    Object::pattern(STORED, 7).processed(result())
}

fn result() -> Vec<u8> {
    (0..RESULT).map(|i| (i * i / 251) as u8).collect()
}

/// A fixture with an older file at the target.
fn fixture_with(config: Config, object: Object) -> Fixture {
    let fixture = Fixture::with(config, object);
    std::fs::write(fixture.target(), OLD).expect("the old file");
    fixture
}

fn fixture() -> Fixture {
    fixture_with(Config::default(), object())
}

/// A request for the processed object, with a checkpoint, small parts and many connections.
fn request(fixture: &Fixture) -> DownloadRequest {
    fixture.request_with(|request| {
        request.thread_num = 8;
        request.extra_query = vec![("x-oss-process".to_owned(), "image/resize,w_100".to_owned())];
    })
}

fn assert_processed(fixture: &Fixture, outcome: &Outcome, expected: &[u8]) {
    assert!(std::fs::read(fixture.target()).expect("the file") == expected);
    let len = expected.len() as u64;
    assert_eq!((outcome.file_size, outcome.object_size), (len, len));
    assert_eq!((outcome.proof, outcome.object_crc64), (Proof::Generation, None));
    assert_eq!(fixture.files(), ["file.bin"]);
}

fn downloads(fixture: &Fixture) -> Outcome {
    let outcome = fixture.client().download(&request(fixture)).expect("download");
    assert_processed(fixture, &outcome, &result());
    outcome
}

/// Asserts that the download fails with this error, with the old file unchanged and no other file.
fn refuses(fixture: &Fixture, kind: ErrorKind, code: &str) -> Error {
    let error = fixture.client().download(&request(fixture)).expect_err(code);
    assert_eq!((error.kind(), error.code()), (kind, code), "{error}");
    assert_eq!(std::fs::read(fixture.target()).expect("the old file"), OLD);
    assert_eq!(fixture.files(), ["file.bin"]);
    error
}

/// Asserts that every request was for the whole processed object; returns their number.
fn assert_requests(fixture: &Fixture, count: usize) {
    let requests = fixture.server.requests();
    assert_eq!(requests.len(), count);
    for request in requests {
        assert_eq!((request.method.as_str(), request.range.as_deref()), ("GET", None));
        assert!(request.target.contains("x-oss-process=image%2Fresize%2Cw_100"));
        assert_eq!(request.header("If-Match"), None);
    }
}

fn header(name: &str, value: Option<&str>) -> Fault {
    Fault::Header { name: name.to_owned(), value: value.map(str::to_owned) }
}

#[test]
fn a_chunked_body_is_one_stream_of_one_request() {
    let fixture = fixture();
    let outcome = downloads(&fixture);
    assert_requests(&fixture, 1);
    assert_eq!((outcome.etag, outcome.statistics.connections), (None, 1));
    assert_eq!(outcome.statistics.bytes_from_network, RESULT);
}

#[test]
fn a_checksum_and_an_etag_of_the_stored_object_are_not_applied_to_the_result() {
    let fixture = fixture_with(Config::default(), object().processed_with_length());
    let stored = fixture.server.object(BUCKET, KEY).expect("object");
    let outcome = downloads(&fixture);
    let crc = outcome.headers.iter().find(|(name, _)| name == "x-oss-hash-crc64ecma");
    assert_eq!(crc.map(|(_, value)| value.as_str()), Some(&*stored.crc64().to_string()));
    assert_eq!(outcome.etag.as_deref(), Some(stored.etag()));
    assert_requests(&fixture, 1);

    // With chunks, too.
    let fixture = self::fixture();
    fixture.server.inject(header("x-oss-hash-crc64ecma", Some("17")));
    fixture.server.inject(header("ETag", Some("\"A\"")));
    assert_eq!(downloads(&fixture).etag.as_deref(), Some("A"));
}

#[test]
fn without_x_oss_process_a_body_without_a_length_stays_refused() {
    for framing in [Fault::Chunked, Fault::NoContentLength] {
        let fixture = fixture();
        fixture.server.inject(Fault::IgnoreRange);
        fixture.server.inject(framing);
        let error = fixture.client().download(&fixture.request()).expect_err("no length");
        assert_eq!((error.kind(), error.code()), (ErrorKind::Integrity, "InvalidReply"));
        assert_eq!(fixture.server.requests().len(), 2);
        assert_eq!(fixture.files(), ["file.bin"]);
    }
}

#[test]
fn a_stream_that_breaks_anywhere_starts_over_from_its_first_byte() {
    let early = [0, 1, 100_000, MIB + 1, RESULT - 1];
    let breaks = early.into_iter().flat_map(|at| [Fault::CloseAfter(at), Fault::ResetAfter(at)]);
    // Every byte arrives, but the last chunk does not.
    for fault in breaks.chain([Fault::StallAfter(MIB), Fault::ShortBody(0)]) {
        let fixture = fixture();
        fixture.server.inject_when(Matcher::any().times(1), fault.clone());
        let outcome = downloads(&fixture);
        assert_requests(&fixture, 2);
        let figures = &outcome.statistics;
        assert_eq!(figures.bytes_from_network, RESULT + figures.bytes_discarded, "{fault:?}");
        assert_eq!(figures.bytes_reused, 0, "{fault:?}");
    }
}

#[test]
fn a_body_with_a_length_that_breaks_starts_over_too() {
    for fault in [Fault::CloseAfter(MIB), Fault::ShortBody(1)] {
        let fixture = fixture_with(Config::default(), object().processed_with_length());
        fixture.server.inject_when(Matcher::any().times(1), fault);
        downloads(&fixture);
        assert_requests(&fixture, 2);
    }
}

#[test]
fn over_tls_too_a_stream_without_its_last_chunk_is_not_complete() {
    for fault in [Fault::ShortBody(0), Fault::CutOffAfter(MIB), Fault::CloseAfter(MIB)] {
        let config = Config { tls: Some(Tls::Valid), ..Config::default() };
        let fixture = fixture_with(config, object());
        fixture.server.inject_when(Matcher::any().times(1), fault);
        downloads(&fixture);
        assert_requests(&fixture, 2);
    }
}

#[test]
fn a_stream_that_always_breaks_is_an_error_after_three_requests_and_leaves_nothing() {
    for fault in [Fault::ShortBody(0), Fault::CloseAfter(MIB), Fault::ResetAfter(1)] {
        let fixture = fixture();
        fixture.server.inject(fault);
        let error = fixture.client().download(&request(&fixture)).expect_err("broken");
        assert_eq!(error.kind(), ErrorKind::Transport, "{error}");
        assert!(error.message().contains("a processed object is sent as one stream"), "{error}");
        assert_requests(&fixture, 3);
        assert_eq!(std::fs::read(fixture.target()).expect("the old file"), OLD);
        assert_eq!(fixture.files(), ["file.bin"]);
    }
}

#[test]
fn without_retries_a_break_is_the_error() {
    let fixture = fixture();
    fixture.server.inject(Fault::CloseAfter(MIB));
    let error = fixture.client_without_retries().download(&request(&fixture)).expect_err("broken");
    assert_eq!(error.kind(), ErrorKind::Transport, "{error}");
    assert!(!error.message().contains("bytes 0-"), "where it ends is not known: {error}");
    assert_requests(&fixture, 1);
    assert_eq!(fixture.files(), ["file.bin"]);
}

#[test]
fn a_body_that_ends_only_with_the_connection_is_refused() {
    let fixture = fixture();
    fixture.server.inject(Fault::NoContentLength);
    let error = refuses(&fixture, ErrorKind::Integrity, "InvalidReply");
    assert!(error.message().contains("is not chunked"), "{error}");
    assert_requests(&fixture, 2);
}

#[test]
fn a_body_that_was_compressed_in_transit_is_refused() {
    let fixture = fixture();
    fixture.server.inject(Fault::Gzip);
    refuses(&fixture, ErrorKind::Integrity, "InvalidReply");
}

/// A server that answers every request with `head` and one chunk of a body that does not end.
fn truncated_reply(head: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("address");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 8192]);
            let _ = write!(
                stream,
                "{head}x-oss-request-id: 1\r\nConnection: close\r\n\r\n5\r\nhello\r\n"
            );
        }
    });
    format!("http://{address}")
}

#[test]
fn a_truncated_body_is_an_error_however_its_coding_is_spelled() {
    for head in [
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding : chunked\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding\t: chunked\r\n",
        "HTTP/1.1 200 OK\r\n\u{b}Transfer-Encoding: chunked\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: \u{b}chunked\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\u{b}\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding:\u{a0}chunked\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n chunked\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity, chunked\r\n",
        "HTTP/1.1 200 OK\r\nX-Transfer-Encoding: chunked\r\n",
    ] {
        let fixture = fixture();
        let endpoint = truncated_reply(head);
        let client = fixture.client_with(|options| options.endpoint = endpoint);
        let error = client.download(&request(&fixture)).expect_err(head);
        assert!(
            matches!(error.kind(), ErrorKind::Integrity | ErrorKind::Transport),
            "{head}: {error}"
        );
        assert_eq!(std::fs::read(fixture.target()).expect("the old file"), OLD);
    }
}

#[test]
fn an_empty_result_is_an_empty_file() {
    for object in [object().processed(""), object().processed("").processed_with_length()] {
        let fixture = fixture_with(Config::default(), object);
        let client = fixture.client();
        let download = client.start(&request(&fixture)).expect("start");
        let outcome = download.wait(None).expect("no limit").expect("download");
        assert_processed(&fixture, &outcome, b"");
        assert_eq!(download.status().bytes_total, Some(0));
        assert_requests(&fixture, 1);
    }
}

#[test]
fn the_total_is_unknown_until_the_end() {
    let fixture = fixture();
    fixture.server.inject_when(Matcher::any().times(1), Fault::StallAfter(MIB));
    let client = fixture.client_with(|options| options.idle_timeout = None);
    let download = client.start(&request(&fixture)).expect("start");
    while download.status().bytes_done < MIB {
        std::thread::yield_now();
    }
    let status = download.status();
    assert_eq!((status.phase, status.bytes_total), (Phase::Transferring, None));
    // Only the end of the connection ends the stall, however slow this thread is.
    fixture.server.stop();
    fixture.server.restart().expect("the same port");
    let outcome = download.wait(None).expect("no limit").expect("download");
    assert_processed(&fixture, &outcome, &result());
    let status = download.status();
    assert_eq!((status.bytes_done, status.bytes_total), (RESULT, Some(RESULT)));
    assert_eq!(outcome.statistics.bytes_discarded, MIB);
}

#[test]
fn nothing_is_recorded_in_the_checkpoint_and_a_cancel_leaves_nothing() {
    let fixture = fixture();
    fixture.server.inject(Fault::StallAfter(2 * MIB));
    let client = fixture.client_with(|options| options.idle_timeout = None);
    let download = client.start(&request(&fixture)).expect("start");
    while download.status().bytes_done < 2 * MIB {
        std::thread::yield_now();
    }
    assert_eq!(fixture.files(), ["file.bin", "file.bin.temp"]);
    download.cancel();
    let error = download.wait(None).expect("no limit").expect_err("cancelled");
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert_eq!(std::fs::read(fixture.target()).expect("the old file"), OLD);
    assert_eq!(fixture.files(), ["file.bin"]);
}

#[test]
fn a_record_of_the_stored_object_is_not_mixed_with_the_result_of_processing_it() {
    let fixture = fixture();
    fixture.interrupt(&fixture.request(), 150_000);
    assert!(fixture.journal().is_some());
    let outcome = downloads(&fixture);
    assert_eq!(outcome.statistics.bytes_reused, 0);
    let outcome = fixture.client().download(&fixture.request()).expect("the stored object");
    assert_eq!(outcome.statistics.bytes_from_network, STORED);
    fixture.assert_whole(&outcome);

    // A refusal leaves the record unchanged.
    fixture.interrupt(&fixture.request(), 150_000);
    fixture.server.inject(Fault::Html(403));
    fixture.client().download(&request(&fixture)).expect_err("refused");
    fixture.server.clear_faults();
    let outcome = fixture.client().download(&fixture.request()).expect("the stored object");
    assert!(outcome.statistics.bytes_reused > 0);
    fixture.assert_whole(&outcome);
}

#[test]
fn a_range_of_a_processed_object_is_refused_before_anything_is_sent() {
    let fixture = fixture();
    let mut request = request(&fixture);
    request.range = Some(ByteRange { start: 0, end: 99 });
    let error = fixture.client().download(&request).expect_err("a range");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Validation, "ValidateError"));
    assert!(error.message().contains("x-oss-process"), "{error}");
    assert_requests(&fixture, 0);
}

#[test]
fn an_error_never_becomes_the_file() {
    let status =
        |status, code: &str| Fault::Status { status, code: code.into(), retry_after: None };
    for (fault, code) in [
        (status(400, "InvalidArgument"), "InvalidArgument"),
        (status(403, "AccessDenied"), "AccessDenied"),
        (status(500, "InternalError"), "InternalError"),
        (Fault::Html(502), "ServerError:502"),
    ] {
        let fixture = fixture();
        fixture.server.inject(fault);
        refuses(&fixture, ErrorKind::Service, code);
    }
    let fixture = fixture();
    fixture.server.inject(Fault::Html(200));
    refuses(&fixture, ErrorKind::Integrity, "InvalidReply");
}

#[test]
fn an_error_document_in_place_of_the_result_never_becomes_the_file() {
    let document = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>BadRequest</Code>\
                    <Message>This image format is not supported.</Message>\
                    <RequestId>534B</RequestId></Error>";
    for object in [object(), object().processed_with_length()] {
        let fixture = fixture_with(Config::default(), object.processed(document));
        let error = refuses(&fixture, ErrorKind::Service, "BadRequest");
        assert_eq!((error.status(), error.request_id()), (200, Some("534B")));
        assert!(error.message().contains("This image format is not supported."), "{error}");
        assert!(error.message().contains("in place of the processed object"), "{error}");
    }
    // Other XML is a result like any other.
    let fixture = fixture_with(Config::default(), object().processed("<Error>none</Error>"));
    let outcome = fixture.client().download(&request(&fixture)).expect("download");
    assert_processed(&fixture, &outcome, b"<Error>none</Error>");
}

#[test]
fn a_request_to_a_service_that_throttles_or_fails_once_is_retried() {
    for status in [429, 500, 503] {
        let fixture = fixture();
        let fault = Fault::Status { status, code: "Busy".to_owned(), retry_after: None };
        fixture.server.inject_when(Matcher::any().times(1), fault);
        downloads(&fixture);
        assert_requests(&fixture, 2);
    }
}

#[test]
fn limits_verification_and_times_apply_to_a_stream_as_to_any_download() {
    let fixture = fixture();
    let mut request = request(&fixture);
    request.checkpoint = Checkpoint::Off;
    request.max_bandwidth = 64 * MIB;
    request.verify_before_rename = true;
    request.preallocate = true;
    request.set_modified_time = true;
    let outcome = fixture.client().download(&request).expect("download");
    assert_processed(&fixture, &outcome, &result());
    let modified = std::fs::metadata(fixture.target()).expect("metadata").modified().expect("time");
    let told = outcome.last_modified.expect("Last-Modified");
    assert_eq!(jiff::fmt::rfc2822::parse(&told).expect("a date").timestamp(), {
        let since = modified.duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        jiff::Timestamp::from_second(since.as_secs() as i64).expect("a time")
    });
}

#[test]
fn a_cancel_does_not_wait_for_a_stream_under_a_bandwidth_limit() {
    let fixture = fixture();
    let mut request = request(&fixture);
    request.max_bandwidth = 1;
    let client = fixture.client();
    let download = client.start(&request).expect("start");
    while download.status().phase != Phase::Transferring {
        std::thread::yield_now();
    }
    download.cancel();
    let error = download.wait(None).expect("no limit").expect_err("cancelled");
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert_eq!(fixture.files(), ["file.bin"]);
}
