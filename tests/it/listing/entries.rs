//! What is listed.

use std::time::{Duration, UNIX_EPOCH};

use local_oss::{Auth, Config, Fault, Key, Object};
use oss_resumable::{AccessKey, Credentials, ListEntry, ListedObject, SignatureVersion};

use super::{fixture, fixture_with, names, pages, request};
use crate::fixture::{BUCKET, Fixture, ID, KEY, SECRET};

/// Keys that XML, a query or a path would change, in the order of their bytes.
const ODD: [&str; 16] = [
    "\u{1}control\u{7f}",
    "\n",
    " leading and trailing ",
    "%41%zz",
    "&lt;<>\"'",
    "+plus",
    "..",
    "../../etc/passwd",
    "a//b",
    "a\\b",
    "a\0b",
    "c:\\windows",
    "https://examplebucket/key?x=1#y",
    "~",
    "\u{e9}",
    "\u{1f600}\u{202e}",
];

fn objects(fixture: &Fixture) -> Vec<ListedObject> {
    let entries = fixture.client().list_objects(&request()).expect("start");
    let object = |entry| match entry {
        Ok(ListEntry::Object(object)) => object,
        other => panic!("{other:?}"),
    };
    entries.map(object).collect()
}

#[test]
fn every_field_of_an_object_is_listed() {
    let fixture = fixture(&[]);
    let modified = UNIX_EPOCH + Duration::from_secs(1_447_426_073);
    let object = Object::bytes("123456789").last_modified(modified).archived();
    let restoring = "ongoing-request=\"true\"";
    fixture.server.put(BUCKET, "a", object.header("x-oss-restore", restoring));
    fixture.server.put(BUCKET, "b", Object::bytes("").appendable());
    fixture.server.put(BUCKET, "c", Object::symlink("a"));
    let listed = objects(&fixture);
    assert_eq!((listed[0].key.as_str(), listed[0].size), ("a", 9));
    assert_eq!(listed[0].etag.as_deref(), Some("25F9E794323B453885F5181F1B624D0B"));
    assert_eq!(listed[0].last_modified, Some(modified));
    assert_eq!(listed[0].storage_class.as_deref(), Some("Archive"));
    assert_eq!(listed[0].restore_info.as_deref(), Some(restoring));
    assert_eq!((listed[0].crc64, listed[1].restore_info.as_deref()), (None, None));
    assert_eq!(listed[1].storage_class.as_deref(), Some("Standard"));
    let kinds: Vec<_> = listed.iter().filter_map(|object| object.object_type.as_deref()).collect();
    assert_eq!(kinds, ["Normal", "Appendable", "Symlink"]);
}

#[test]
fn a_listing_goes_through_all_pages_whatever_their_size() {
    let fixture = fixture_with(10);
    let expected: Vec<_> = (0..10).map(|number| format!("{number:04}")).collect();
    for (max_keys, requests) in [(1, 10), (3, 4), (5, 2), (10, 1), (1000, 1)] {
        let before = fixture.server.requests().len();
        let listed = names(&fixture.client(), &request().max_keys(max_keys)).expect("a listing");
        assert_eq!(listed, expected, "{max_keys}");
        assert_eq!(fixture.server.requests().len() - before, requests, "{max_keys}");
    }
}

#[test]
fn a_page_is_asked_for_only_when_its_first_entry_is() {
    let fixture = fixture_with(5);
    let mut listing = fixture.client().list_objects(&request().max_keys(2)).expect("start");
    let mut seen = vec![fixture.server.requests().len()];
    for _ in 0..6 {
        let _ = listing.next();
        seen.push(fixture.server.requests().len());
    }
    assert_eq!(seen, [0, 1, 1, 2, 2, 3, 3]);
}

#[test]
fn an_empty_bucket_has_no_entries_and_a_missing_one_is_an_error() {
    let fixture = fixture(&[]);
    assert_eq!(names(&fixture.client(), &request()).expect("a listing"), [""; 0]);
    let mut missing = request();
    missing.bucket = "anotherbucket".to_owned();
    let error = super::error(&fixture.client(), &missing);
    assert_eq!((error.status(), error.code()), (404, "NoSuchBucket"));
    assert!(error.message().starts_with("cannot list oss://anotherbucket/: HTTP 404"), "{error}");
    assert!(error.request_id().is_some());
}

#[test]
fn a_prefix_and_the_key_to_start_after_select_keys() {
    let fixture = fixture(&["a", "a/", "a/b", "a/c", "ab", "b"]);
    let client = fixture.client();
    let list = |request| names(&client, &request).expect("a listing");
    assert_eq!(list(request().prefix("a/")), ["a/", "a/b", "a/c"]);
    assert_eq!(list(request().prefix("a/").start_after("a/b")), ["a/c"]);
    assert_eq!(list(request().prefix("a/").start_after("a/bb").max_keys(1)), ["a/c"]);
    assert_eq!(list(request().start_after("a/c")), ["ab", "b"]);
    assert_eq!(list(request().prefix("c")), [""; 0]);
}

#[test]
fn a_delimiter_lists_what_keys_have_in_common_once() {
    let keys = ["a", "dir/", "dir/a", "dir/sub/a", "dir/sub/b", "dir/z", "e/1", "e/2", "f"];
    let fixture = fixture(&keys);
    let client = fixture.client();
    for max_keys in [1, 2, 1000] {
        let list = |request: oss_resumable::ListRequest| {
            let mut listed = names(&client, &request.max_keys(max_keys)).expect("a listing");
            listed.sort();
            listed
        };
        assert_eq!(list(request().delimiter("/")), ["a", "dir/ ...", "e/ ...", "f"]);
        let inside = request().prefix("dir/").delimiter("/");
        assert_eq!(list(inside), ["dir/", "dir/a", "dir/sub/ ...", "dir/z"]);
        assert_eq!(list(request().delimiter("sub/b")).len(), 9, "any text");
    }
}

#[test]
fn keys_are_listed_as_they_are_however_odd() {
    let fixture = fixture(&ODD);
    let client = fixture.client();
    for max_keys in [1, 1000] {
        assert_eq!(names(&client, &request().max_keys(max_keys)).expect("a listing"), {
            let mut sorted = ODD.to_vec();
            sorted.sort();
            sorted
        });
    }
    for key in ODD {
        let under = names(&client, &request().prefix(key)).expect("a listing");
        assert_eq!(under[0], key);
        assert_eq!(under.len(), ODD.iter().filter(|other| other.starts_with(key)).count());
        let after = names(&client, &request().start_after(key)).expect("a listing");
        assert_eq!(after.len(), ODD.iter().filter(|other| **other > key).count(), "{key:?}");
    }
}

#[test]
fn a_key_with_every_character_that_a_key_may_have_at_its_greatest_length_is_listed() {
    let long: Vec<String> = (0..40).map(|n| format!("{n:03}{}", "\u{4f60}".repeat(340))).collect();
    let fixture = fixture(&long.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(names(&fixture.client(), &request()).expect("a listing"), long);
}

#[test]
fn only_the_newest_version_is_listed_and_no_delete_marker() {
    let config = Config { versioning: true, ..Config::default() };
    let fixture = Fixture::with(config, Object::bytes("old"));
    fixture.server.put(BUCKET, KEY, Object::bytes("newer"));
    fixture.server.put(BUCKET, "gone", Object::bytes("x"));
    fixture.server.put(BUCKET, "gone", Object::delete_marker());
    let listed = objects(&fixture);
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].key.as_str(), listed[0].size), (KEY, 5));
}

#[test]
fn both_signatures_are_accepted_on_every_page() {
    let fixture = fixture(&ODD);
    for signature in [SignatureVersion::V1, SignatureVersion::V4] {
        let client = fixture.client_with(|options| options.signature = signature);
        let odd = request().prefix("").delimiter("\u{e9}/ +").start_after("\u{1}").max_keys(3);
        assert_eq!(names(&client, &odd).expect("a listing").len(), ODD.len(), "{signature:?}");
    }
}

#[test]
fn temporary_credentials_sign_a_listing() {
    let fixture = fixture_with(3);
    let key = Key {
        id: ID.to_owned(),
        secret: SECRET.to_owned(),
        token: Some("token+/=".to_owned()),
        expires: None,
    };
    fixture.server.set_auth(Auth::Keys(vec![key]));
    for signature in [SignatureVersion::V1, SignatureVersion::V4] {
        let client = fixture.client_with(|options| {
            options.signature = signature;
            let key = AccessKey::new(ID, SECRET, Some("token+/=".to_owned()));
            options.credentials = Credentials::Static(key);
        });
        assert_eq!(names(&client, &request().max_keys(2)).expect("a listing").len(), 3);
    }
}

#[test]
fn what_is_set_is_sent_and_nothing_else() {
    let fixture = fixture(&["a/b"]);
    names(&fixture.client(), &request()).expect("a listing");
    let mut all = request().prefix("a/").delimiter("/").start_after("a/a").max_keys(7);
    all.requester_pays = true;
    names(&fixture.client(), &all).expect("a listing");
    let requests = fixture.server.requests();
    assert_eq!(
        requests[0].target,
        format!("/{BUCKET}/?list-type=2&encoding-type=url&max-keys=1000")
    );
    assert_eq!(requests[0].header("x-oss-request-payer"), None);
    assert_eq!(
        requests[1].target,
        format!(
            "/{BUCKET}/?list-type=2&encoding-type=url&max-keys=7&prefix=a%2F&delimiter=%2F&start-after=a%2Fa"
        )
    );
    assert_eq!(requests[1].header("x-oss-request-payer"), Some("requester"));
}

#[test]
fn a_listing_reuses_its_connection() {
    let fixture = fixture_with(20);
    names(&fixture.client(), &request().max_keys(2)).expect("a listing");
    let connections: Vec<_> = fixture.server.requests().iter().map(|r| r.connection).collect();
    assert_eq!(connections, [1; 10]);
}

#[test]
fn a_service_that_does_not_encode_names_is_understood() {
    let fixture = fixture(&[]);
    let page = "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a%20+&amp;</Key><Size>1</Size>\
                </Contents></ListBucketResult>";
    fixture.server.inject_when(pages(), Fault::Body(page.into()));
    assert_eq!(names(&fixture.client(), &request()).expect("a listing"), ["a%20+&"]);
}

#[test]
fn a_listing_goes_over_tls_and_trusts_no_unknown_authority() {
    let config = Config { tls: Some(local_oss::Tls::Valid), ..Config::default() };
    let fixture = Fixture::with(config, Object::bytes("x"));
    assert_eq!(names(&fixture.client(), &request()).expect("a listing"), [KEY]);
    let client = fixture.client_with(|options| options.ca_file = None);
    let error = super::error(&client, &request());
    assert!(error.message().contains("certificate is not trusted"), "{error}");
}
