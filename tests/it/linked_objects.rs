//! Objects that are symbolic links to others, and versions that are delete markers.

use local_oss::{Config, Object, Server};
use oss_resumable::{Error, ErrorKind, Outcome, Proof};

use crate::fixture::{BUCKET, Fixture, KEY, PART};

const TARGET: &str = "target";
const SIZE: u64 = 5 * PART + 77;

/// A fixture whose object is `link`, and the object to which it points.
fn linked(link: Object) -> Fixture {
    let fixture = Fixture::with(Config::default(), link);
    fixture.server.put(BUCKET, TARGET, Object::pattern(SIZE, 9));
    fixture
}

fn link() -> Object {
    Object::symlink(TARGET)
}

fn target_crc(server: &Server) -> u64 {
    server.object(BUCKET, TARGET).expect("target").crc64()
}

/// Asserts that the file is the link's target and no other file is left.
fn assert_is_target(fixture: &Fixture, outcome: &Outcome) {
    let expected = fixture.server.object_bytes(BUCKET, TARGET, 0..SIZE).expect("target");
    assert!(std::fs::read(fixture.target()).expect("file") == expected);
    assert_eq!((outcome.file_size, fixture.files()), (SIZE, vec!["file.bin".to_owned()]));
}

fn refused(fixture: &Fixture, kind: ErrorKind, code: &str) -> Error {
    let error = fixture.client().download(&fixture.request()).expect_err(code);
    assert_eq!((error.kind(), error.code()), (kind, code), "{error}");
    assert!(fixture.files().is_empty(), "{:?}", fixture.files());
    error
}

#[test]
fn a_checksum_of_the_link_instead_of_its_target_is_an_error_that_names_verify_crc() {
    let fixture = linked(link());
    let error = refused(&fixture, ErrorKind::Integrity, "CrcCheckError");
    for words in ["symbolic link", "verify_crc", "enableCrc64"] {
        assert!(error.message().contains(words), "{words}: {error}");
    }
    let client = fixture.client_with(|options| options.verify_crc = false);
    let outcome = client.download(&fixture.request()).expect("download");
    assert_eq!(outcome.proof, Proof::NotCompared);
    assert_is_target(&fixture, &outcome);
}

#[test]
fn the_error_for_a_wrong_checksum_of_an_ordinary_object_does_not_mention_links() {
    let fixture = Fixture::with(Config::default(), Object::pattern(SIZE, 9).crc64(1));
    let error = refused(&fixture, ErrorKind::Integrity, "CrcCheckError");
    assert!(!error.message().contains("verify_crc"), "{error}");
}

#[test]
fn a_link_with_the_target_s_checksum_or_without_one_is_downloaded_as_its_target() {
    let fixture = linked(link().without_crc64());
    let outcome = fixture.client().download(&fixture.request()).expect("download");
    assert_eq!((outcome.proof, outcome.object_crc64), (Proof::Generation, None));
    assert_is_target(&fixture, &outcome);

    let crc = target_crc(&fixture.server);
    fixture.server.put(BUCKET, KEY, link().crc64(crc));
    let outcome = fixture.client().download(&fixture.request()).expect("download");
    assert_eq!((outcome.proof, outcome.object_crc64), (Proof::ObjectCrc, Some(crc)));
    assert_is_target(&fixture, &outcome);
}

#[test]
fn links_to_missing_objects_and_to_links_are_reported_as_such() {
    let fixture = linked(Object::symlink("nothing"));
    let error = refused(&fixture, ErrorKind::Service, "SymlinkTargetNotExist");
    assert!(error.message().contains("whose target does not exist"), "{error}");

    fixture.server.put(BUCKET, "another link", link());
    fixture.server.put(BUCKET, KEY, Object::symlink("another link"));
    let error = refused(&fixture, ErrorKind::Service, "InvalidTargetType");
    assert_eq!(error.status(), 400);
    assert!(error.message().contains("link to another symbolic link"), "{error}");
}

#[test]
fn a_version_that_is_a_delete_marker_is_reported_as_such() {
    let config = Config { versioning: true, ..Config::default() };
    let fixture = Fixture::with(config, Object::pattern(SIZE, 9).version_id("first"));
    fixture.server.put(BUCKET, KEY, Object::delete_marker().version_id("second"));
    let mut request = fixture.request();
    request.version_id = Some("second".to_owned());
    let error = fixture.client().download(&request).expect_err("no data");
    assert_eq!((error.status(), error.code()), (405, "MethodNotAllowed"));
    assert!(error.message().contains("is a delete marker, which has no data"), "{error}");
    assert_eq!(fixture.server.requests().len(), 1, "not asked again");

    request.version_id = Some("first".to_owned());
    let outcome = fixture.client().download(&request).expect("the earlier version");
    assert_eq!(outcome.version_id.as_deref(), Some("first"));
}
