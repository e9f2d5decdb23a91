//! Replies that lack the metadata of encryption which others of the same object have.

use local_oss::{Config, Fault, Matcher, Object};
use oss_resumable::{ByteRange, ErrorKind};

use super::{PREFIX, assert_plain, client, fixture, metadata, object};
use crate::fixture::{BUCKET, Fixture, MIB, PART, wait_for_progress};

const SIZE: u64 = 3 * MIB;

/// The next reply lacks these metadata.
fn strip_next(fixture: &Fixture, names: &[&str]) {
    for name in names {
        let fault = Fault::Header { name: format!("{PREFIX}{name}"), value: None };
        fixture.server.inject_when(Matcher::any().times(1), fault);
    }
}

const ALL: [&str; 4] = ["key", "start", "cek-alg", "wrap-alg"];

#[test]
fn an_object_whose_first_reply_lacks_the_metadata_is_never_saved_encrypted() {
    for range in [None, Some(ByteRange { start: 1001, end: 2 * MIB as i64 })] {
        let fixture = fixture(SIZE);
        strip_next(&fixture, &ALL);
        let request = fixture.request_with(|request| request.range = range);
        let outcome = client(&fixture).download(&request).expect("started over");
        assert_plain(&fixture, SIZE, range.map_or(0..SIZE, |_| 1001..2 * MIB + 1));
        assert!(outcome.statistics.bytes_discarded > 0, "{:?}", outcome.statistics);
    }
}

#[test]
fn a_client_without_a_key_refuses_it_at_the_reply_that_has_them() {
    let fixture = fixture(SIZE);
    strip_next(&fixture, &ALL);
    let error = fixture.client().download(&fixture.request()).expect_err("encrypted");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Validation, "ClientSideEncrypted"));
    assert!(!fixture.target().exists());
}

#[test]
fn an_object_whose_first_replies_lack_the_metadata_again_and_again_is_an_error() {
    let fixture = fixture(SIZE);
    // With one connection at a time, every second reply is a first one.
    for name in ALL {
        for k in [1, 3] {
            let fault = Fault::Header { name: format!("{PREFIX}{name}"), value: None };
            fixture.server.inject_when(Matcher::any().nth(k), fault);
        }
    }
    let request = fixture.request_with(|request| request.thread_num = 1);
    let error = client(&fixture).download(&request).expect_err("changed twice");
    assert_eq!((error.kind(), error.code()), (ErrorKind::ObjectChanged, "ObjectChanged"));
    assert!(error.message().contains("metadata of client-side encryption"), "{error}");
    assert!(!fixture.target().exists());
}

#[test]
fn a_first_reply_that_lacks_only_the_key_is_an_error() {
    let fixture = fixture(SIZE);
    strip_next(&fixture, &["key", "start"]);
    let error = client(&fixture).download(&fixture.request()).expect_err("no key");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Validation, "EncryptionClientError"));
    assert!(error.message().contains("client-side-encryption-key"), "{error}");
    assert_eq!(fixture.files(), [""; 0]);
}

#[test]
fn a_resume_whose_first_reply_lacks_the_metadata_ends_with_the_plain_text() {
    let fixture = fixture(SIZE);
    fixture.server.inject(Fault::CloseAfter(123_457));
    fixture.server.inject(Fault::RateLimit(MIB));
    let download = client(&fixture).start(&fixture.request()).expect("start");
    wait_for_progress(&download, 8 * PART);
    download.cancel();
    download.wait(None).expect("no limit").expect_err("cancelled");
    fixture.server.clear_faults();
    strip_next(&fixture, &ALL);
    client(&fixture).download(&fixture.request()).expect("started over");
    assert_plain(&fixture, SIZE, 0..SIZE);
}

#[test]
fn a_resume_that_lacks_nothing_but_whose_head_lacks_the_metadata_ends_with_the_plain_text() {
    let fixture = fixture(SIZE);
    fixture.server.inject(Fault::RateLimit(2 * MIB));
    let download = client(&fixture).start(&fixture.request()).expect("start");
    wait_for_progress(&download, 4 * PART);
    std::fs::create_dir(fixture.target()).expect("a directory in the way of the rename");
    download.wait(None).expect("no limit").expect_err("cannot be renamed");
    std::fs::remove_dir(fixture.target()).expect("remove");
    fixture.server.clear_faults();
    strip_next(&fixture, &ALL);
    let before = fixture.server.requests().len();
    client(&fixture).download(&fixture.request()).expect("started over");
    assert_eq!(fixture.server.requests()[before].method, "HEAD");
    assert_plain(&fixture, SIZE, 0..SIZE);
}

#[test]
fn an_object_saved_as_it_is_stored_may_have_them_in_some_replies_only() {
    let fixture = fixture(SIZE);
    strip_next(&fixture, &ALL);
    let request = fixture.request_with(|request| request.allow_encrypted = true);
    let outcome = fixture.client().download(&request).expect("download");
    fixture.assert_whole(&outcome);
    assert_eq!(outcome.statistics.bytes_discarded, 0);
}

#[test]
fn a_link_is_refused_by_a_client_that_decrypts_because_its_target_may_be_encrypted() {
    let fixture = Fixture::with(Config::default(), Object::symlink("target").without_crc64());
    fixture.server.put(BUCKET, "target", object(SIZE, &metadata()));
    let error = client(&fixture).download(&fixture.request()).expect_err("a link");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Validation, "EncryptionClientError"));
    for words in ["symbolic link", "download the target itself", "allow_encrypted"] {
        assert!(error.message().contains(words), "{words}: {error}");
    }
    assert_eq!(fixture.files(), [""; 0]);

    let request = fixture.request_with(|request| request.allow_encrypted = true);
    client(&fixture).download(&request).expect("as it is stored");
    let stored = fixture.server.object_bytes(BUCKET, "target", 0..SIZE).expect("target");
    assert!(std::fs::read(fixture.target()).expect("file") == stored);
}
