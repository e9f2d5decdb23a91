//! Presigned URLs of OSS.

use std::time::Duration;

use local_oss::{Config, EmptyObjectRange, Fault, Matcher, Object};
use oss_resumable::{DownloadRequest, ErrorKind, ListRequest, Overwrite, Proof, SignatureVersion};

use crate::fixture::{BUCKET, Fixture, KEY, MIB, PART};

use super::server::Scripted;
use super::{assert_bare, client, client_with, link, presigned};

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn links_of_both_versions_are_downloaded_in_parallel_with_nothing_added_to_them() {
    for version in [SignatureVersion::V1, SignatureVersion::V4] {
        let fixture = Fixture::new(2 * MIB + 5);
        let url = presigned(&fixture, version, HOUR);
        let outcome = client().download(&fixture.request_for(&url)).expect("download");
        fixture.assert_whole(&outcome);
        assert_eq!(outcome.proof, Proof::ObjectCrc);
        let requests = fixture.server.requests();
        assert!((2..=5).contains(&requests.len()), "{}", requests.len());
        for request in &requests {
            assert_bare(request);
            assert!(url.ends_with(&request.target), "{} of {url}", request.target);
            assert_eq!(request.status, Some(206));
        }
        assert!(requests.iter().skip(1).all(|request| request.header("If-Match").is_some()));
    }
}

#[test]
fn a_client_with_endpoint_and_credentials_sends_none_of_them() {
    let fixture = Fixture::new(MIB);
    let elsewhere = Fixture::new(1);
    let outcome = elsewhere.client().download(&fixture.request_for(link(&fixture)));
    fixture.assert_whole(&outcome.expect("download"));
    fixture.server.requests().iter().for_each(assert_bare);
    assert!(elsewhere.server.requests().is_empty());
}

#[test]
fn a_client_without_an_endpoint_refuses_a_bucket() {
    let fixture = Fixture::new(1);
    let client = client();
    let error = client.download(&fixture.request()).expect_err("no endpoint");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Validation, "ValidateError"));
    assert!(error.message().contains("endpoint"), "{error}");
    let Err(error) = client.list_objects(&ListRequest::new(BUCKET)) else { panic!("a listing") };
    assert!(error.message().contains("endpoint"), "{error}");
    assert!(fixture.server.requests().is_empty());
}

#[test]
fn an_object_smaller_than_a_part_costs_one_request_although_oss_sends_it_whole() {
    for size in [1, PART - 1, PART] {
        let fixture = Fixture::new(size);
        let outcome = client().download(&fixture.request_for(link(&fixture))).expect("download");
        fixture.assert_whole(&outcome);
        let requests = fixture.server.requests();
        let status = if size < PART { 200 } else { 206 };
        assert_eq!((requests.len(), requests[0].status), (1, Some(status)), "{size} bytes");
    }
}

#[test]
fn a_small_object_that_breaks_off_goes_on_at_its_byte() {
    let fixture = Fixture::new(PART - 1);
    fixture.server.inject_when(Matcher::any().nth(1), Fault::CloseAfter(50_000));
    let outcome = client().download(&fixture.request_for(link(&fixture))).expect("download");
    fixture.assert_whole(&outcome);
    let requests = fixture.server.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[1].range, Some(format!("bytes=50000-{}", PART - 2)), "inside the object");
    assert_eq!(outcome.statistics.bytes_from_network, PART - 1);
}

#[test]
fn an_empty_object_is_downloaded_however_the_server_answers() {
    for answer in [EmptyObjectRange::Status416, EmptyObjectRange::Status200] {
        let config = Config { empty_object_range: answer, ..Config::default() };
        let fixture = Fixture::with(config, Object::pattern(0, 7));
        let request = fixture.request_for(link(&fixture));
        fixture.assert_whole(&client().download(&request).expect("download"));
    }
    let other = Scripted::serving(Vec::new(), &["ETag: \"e\""]);
    let fixture = Fixture::new(0);
    let outcome = client().download(&fixture.request_for(other.url("/empty"))).expect("download");
    assert_eq!(outcome.file_size, 0);
    assert_eq!(other.requests().len(), 2, "416, then without a range");
}

#[test]
fn a_range_is_cut_to_the_object_although_oss_ignores_ranges_that_end_beyond_it() {
    let size = 3 * PART;
    for (start, end, bytes) in [
        (10, 19, 10..20),
        (0, size as i64 + 5, 0..size),
        (size as i64 - 10, size as i64 + 5, size - 10..size),
        (PART as i64, -1, PART..size),
        (10, 10 * MIB as i64, 10..size),
        (size as i64 - 1, -1, size - 1..size),
    ] {
        let fixture = Fixture::new(size);
        let request = fixture.request_for(link(&fixture)).range(start, end);
        let outcome = client().download(&request).expect("download");
        assert_eq!(outcome.file_size, bytes.end - bytes.start, "{start} to {end}");
        fixture.assert_range(bytes);
        assert_eq!(fixture.files(), ["file.bin"]);
    }
}

#[test]
fn a_range_that_begins_beyond_the_object_is_an_error() {
    let fixture = Fixture::new(PART);
    for start in [PART as i64, 10 * MIB as i64] {
        let request = fixture.request_for(link(&fixture)).range(start, -1);
        let error = client().download(&request).expect_err("beyond");
        assert_eq!((error.code(), error.status()), ("InvalidRange", 416), "{error}");
    }
    assert!(fixture.files().is_empty());
}

#[test]
fn a_download_is_resumed_with_another_signature_of_the_same_object() {
    let fixture = Fixture::new(MIB);
    let first = fixture.request_for(link(&fixture)).thread_num(1);
    fixture.server.inject_when(Matcher::any().nth(2), Fault::CloseAfter(50_000));
    let once = client_with(|options| options.max_attempts = 1);
    once.download(&first).expect_err("interrupted");
    fixture.server.clear_faults();
    let second = presigned(&fixture, SignatureVersion::V1, 2 * HOUR);
    let second = fixture.request_for(second);
    let known = client().inspect_checkpoint(&second).expect("read").expect("a checkpoint");
    assert_eq!(known.bytes_recorded, PART + 50_000);
    let address = link(&fixture);
    assert_eq!(known.url.as_deref(), address.split('?').next(), "without the query");
    assert_eq!((known.bucket.as_str(), known.key.as_str()), ("", ""));
    let outcome = client().download(&second).expect("resume");
    fixture.assert_whole(&outcome);
    assert_eq!(outcome.statistics.bytes_reused, PART + 50_000);
    assert_eq!(outcome.statistics.bytes_from_network, MIB - PART - 50_000);
}

#[test]
fn a_url_with_another_path_or_host_is_another_download() {
    let fixture = Fixture::new(MIB);
    fixture.server.put(BUCKET, "other.bin", Object::pattern(MIB, 7));
    let first = fixture.request_for(link(&fixture)).thread_num(1);
    fixture.server.inject_when(Matcher::any().nth(2), Fault::CloseAfter(50_000));
    client_with(|options| options.max_attempts = 1).download(&first).expect_err("interrupted");
    let inspect =
        |url: String| client().inspect_checkpoint(&fixture.request_for(url)).expect("read");
    let url = link(&fixture);
    assert!(inspect(url.replace("127.0.0.1", "localhost")).is_none());
    assert!(inspect(url.replace(KEY, "other.bin")).is_none());
    assert!(client().inspect_checkpoint(&fixture.request()).expect("read").is_none());
    assert!(inspect(url).is_some());
    assert!(client().discard_checkpoint(&first).expect("discard"));
    assert!(fixture.files().is_empty());
}

#[test]
fn with_nothing_missing_one_byte_is_asked_for_and_not_the_head() {
    for replaced in [false, true] {
        let fixture = Fixture::new(MIB);
        let mut request = fixture.request_for(link(&fixture));
        request.overwrite = Overwrite::Fail;
        leave_everything_but_the_rename(&fixture, &request);
        let before = fixture.server.requests().len();
        if replaced {
            fixture.server.replace(BUCKET, KEY);
        }
        let outcome = client().download(&request).expect("resume");
        fixture.assert_whole(&outcome);
        let requests = fixture.server.requests();
        assert_eq!(requests[before].range.as_deref(), Some("bytes=0-0"));
        requests.iter().for_each(assert_bare);
        if !replaced {
            assert_eq!(requests.len(), before + 1);
            assert_eq!(outcome.statistics.bytes_reused, MIB);
        }
    }
}

/// Leaves a checkpoint of every byte: a file is in the way when the download would end.
fn leave_everything_but_the_rename(fixture: &Fixture, request: &DownloadRequest) {
    fixture.server.inject(Fault::RateLimit(4 * MIB));
    let download = client().start(request).expect("start");
    while download.status().bytes_total.is_none() {
        std::thread::yield_now();
    }
    std::fs::write(fixture.target(), "in the way").expect("write");
    let error = download.wait(None).expect("no limit").expect_err("a file is in the way");
    assert_eq!(error.code(), "FileAlreadyExists");
    std::fs::remove_file(fixture.target()).expect("remove");
    fixture.server.clear_faults();
}

#[test]
fn a_link_that_was_changed_is_refused_and_the_error_says_what_a_link_needs() {
    let fixture = Fixture::new(PART);
    let url = link(&fixture).replace("x-oss-expires=3600", "x-oss-expires=7200");
    let error = client().download(&fixture.request_for(url)).expect_err("changed");
    assert_eq!((error.status(), error.code()), (403, "SignatureDoesNotMatch"));
    assert!(error.message().contains("use it unchanged"), "{error}");
    let missing = link(&fixture);
    fixture.server.remove(BUCKET, KEY);
    let error = client().download(&fixture.request_for(missing)).expect_err("nothing there");
    assert_eq!((error.status(), error.code()), (404, "NoSuchKey"));
    assert!(error.message().contains("Check the URL"), "{error}");
}

#[test]
fn the_extra_headers_are_sent_with_each_request_of_a_url() {
    let fixture = Fixture::new(MIB);
    let other = Scripted::serving(vec![1; MIB as usize], &["ETag: \"e\""]);
    let mut request = fixture.request_for(other.url("/x"));
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    request.extra_headers = vec![header("Authorization", "Bearer x"), header("x-oss-meta-a", "b")];
    client().download(&request).expect("download");
    let requests = other.requests();
    assert!(requests.len() > 1);
    for request in requests {
        assert_eq!(request.header("Authorization"), Some("Bearer x"));
        assert_eq!(request.header("x-oss-meta-a"), Some("b"));
    }
}

#[test]
fn a_processed_object_is_one_stream_of_the_link_for_it() {
    let object = Object::pattern(MIB, 7).processed(vec![9; 5000]);
    let fixture = Fixture::with(Config::default(), object);
    let mut signed = DownloadRequest::new(BUCKET, KEY);
    signed.extra_query = vec![("x-oss-process".to_owned(), "image/resize,w_10".to_owned())];
    let key = oss_resumable::AccessKey::new(crate::fixture::ID, crate::fixture::SECRET, None);
    let url = fixture.client().presign(&signed, &key, HOUR).expect("presign");
    let outcome = client().download(&fixture.request_for(url)).expect("download");
    assert_eq!((outcome.file_size, outcome.proof), (5000, Proof::Generation));
    assert_eq!(std::fs::read(fixture.target()).expect("file"), [9; 5000]);
    assert_eq!(fixture.server.requests()[0].range, None);
}
