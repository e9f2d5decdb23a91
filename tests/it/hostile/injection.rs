//! Every string that is part of a request, with line ends, NULs and other control characters in it.

use std::fs;

use local_oss::{Fault, LoggedRequest, Object};
use oss_resumable::{
    AccessKey, Client, ClientOptions, Credentials, CredentialsProvider, DownloadRequest, Error,
};

use super::forge;
use crate::fixture::{BUCKET, Fixture, ID, KEY, PART, SECRET};

/// Texts that would begin or end a header if they were sent unchanged.
const HOSTILE: [&str; 6] = [
    "a\r\nX-Injected: 1",
    "a\nX-Injected: 1",
    "a\rX-Injected: 1",
    "a\r\n\r\nGET /stolen HTTP/1.1\r\nX-Injected: 1",
    "a\0X-Injected: 1",
    "\u{b}X-Injected: 1\u{7f}",
];

type SetRequest = fn(&mut DownloadRequest, String);
type SetOption = fn(&mut ClientOptions, String);

/// Every field of a request that is sent, except the key, which is escaped.
const SENT: [(&str, SetRequest); 15] = [
    ("bucket", |r, s| r.bucket = s),
    ("if_match", |r, s| r.if_match.push(s)),
    ("if_none_match", |r, s| r.if_none_match.push(s)),
    ("if_modified_since", |r, s| r.if_modified_since = Some(s)),
    ("if_unmodified_since", |r, s| r.if_unmodified_since = Some(s)),
    ("version_id", |r, s| r.version_id = Some(s)),
    ("content_type", |r, s| r.response_headers.content_type = Some(s)),
    ("content_language", |r, s| r.response_headers.content_language = Some(s)),
    ("expires", |r, s| r.response_headers.expires = Some(s)),
    ("cache_control", |r, s| r.response_headers.cache_control = Some(s)),
    ("content_disposition", |r, s| r.response_headers.content_disposition = Some(s)),
    ("content_encoding", |r, s| r.response_headers.content_encoding = Some(s)),
    ("extra header", |r, s| r.extra_headers.push(("X-Extra".to_owned(), s))),
    ("extra header's name", |r, s| r.extra_headers.push((s, "value".to_owned()))),
    ("extra query", |r, s| r.extra_query.push((s.clone(), s))),
];

/// Every option that is sent.
const OPTIONS: [(&str, SetOption); 6] = [
    ("endpoint", |o, s| o.endpoint = format!("{}/{s}", o.endpoint)),
    ("region", |o, s| o.region = Some(s)),
    ("user_agent", |o, s| o.user_agent = Some(s)),
    ("access_key_id", |o, s| o.credentials = key(s, SECRET.to_owned(), None)),
    ("access_key_secret", |o, s| o.credentials = key(ID.to_owned(), s, None)),
    ("security_token", |o, s| o.credentials = key(ID.to_owned(), SECRET.to_owned(), Some(s))),
];

fn key(id: String, secret: String, token: Option<String>) -> Credentials {
    Credentials::Static(AccessKey::new(id, secret, token))
}

fn assert_refused(fixture: &Fixture, what: &str, error: &Error) {
    assert_eq!(error.code(), "ValidateError", "{what}: {error}");
    assert!(fixture.server.requests().is_empty(), "{what} reached the network");
    assert!(fixture.files().is_empty(), "{what} reached the disk: {:?}", fixture.files());
    assert!(!error.message().contains(['\r', '\n', '\0']), "{what} is shown raw: {error:?}");
}

fn assert_no_injected_header(requests: &[LoggedRequest]) {
    for request in requests {
        assert!(request.header("x-injected").is_none(), "{:?}", request.headers);
        assert!(!request.target.contains("stolen HTTP"), "{}", request.target);
    }
}

#[test]
fn control_characters_in_any_field_of_a_request_are_refused_before_anything_is_sent() {
    let fixture = Fixture::new(PART);
    let client = fixture.client();
    for (field, set) in SENT {
        for text in HOSTILE {
            let request = fixture.request_with(|request| set(request, text.to_owned()));
            let error = client.download(&request).expect_err(field);
            assert_refused(&fixture, field, &error);
        }
    }
    fixture.assert_whole(&client.download(&fixture.request()).expect("nothing broke"));
}

#[test]
fn control_characters_in_any_option_are_refused_when_the_client_is_created() {
    let fixture = Fixture::new(PART);
    for (option, set) in OPTIONS {
        for text in HOSTILE {
            let mut options = fixture.options();
            set(&mut options, text.to_owned());
            let error = Client::new(options).map(|_| ()).expect_err(option);
            assert_refused(&fixture, option, &error);
        }
    }
}

#[test]
fn a_region_or_a_key_with_control_characters_is_refused_when_it_is_set_later() {
    let fixture = Fixture::new(PART);
    let client = fixture.client();
    for text in HOSTILE {
        assert_refused(&fixture, "region", &client.set_region(text).expect_err("region"));
        for credentials in [
            key(text.to_owned(), SECRET.to_owned(), None),
            key(ID.to_owned(), text.to_owned(), None),
            key(ID.to_owned(), SECRET.to_owned(), Some(text.to_owned())),
        ] {
            let error = client.set_credentials(credentials).expect_err("key");
            assert_refused(&fixture, "key", &error);
        }
    }
    fixture.assert_whole(&client.download(&fixture.request()).expect("the former key still works"));
}

#[test]
fn a_provider_s_key_with_control_characters_is_an_error_and_nothing_is_sent() {
    struct Hostile(&'static str);
    impl CredentialsProvider for Hostile {
        fn fetch(&self) -> Result<AccessKey, String> {
            Ok(AccessKey::new(ID, SECRET, Some(self.0.to_owned())))
        }
    }
    let fixture = Fixture::new(PART);
    for text in HOSTILE {
        let client = fixture.client_with(|options| {
            options.credentials = Credentials::Provider(std::sync::Arc::new(Hostile(text)));
            options.max_attempts = 1;
        });
        let error = client.download(&fixture.request()).expect_err("no usable key");
        assert!(error.message().contains("security token"), "{error}");
        assert!(fixture.server.requests().is_empty(), "{:?}", fixture.server.requests());
        assert!(fixture.files().is_empty(), "{:?}", fixture.files());
    }
}

#[test]
fn a_key_may_contain_anything_but_nul_and_is_sent_unchanged() {
    let fixture = Fixture::new(PART);
    let client = fixture.client();
    for text in HOSTILE.iter().copied().chain(["a b?c#d&e=f%2F+", "ä/ö/€", "a/./b/../c"]) {
        let request = fixture.request_with(|request| request.key = text.to_owned());
        if text.contains('\0') {
            assert_eq!(client.download(&request).expect_err("NUL").code(), "ValidateError");
            continue;
        }
        fixture.server.put(BUCKET, text, Object::pattern(10, 3));
        client.download(&request).expect("download");
        let seen = fixture.server.requests().pop().expect("a request");
        assert_eq!(seen.key, text);
    }
    assert_no_injected_header(&fixture.server.requests());
}

#[test]
fn an_etag_is_sent_back_unchanged_or_not_at_all() {
    for etag in ["\"a\tb\"", "\"\u{1}\u{2}\"", "\"ä\"", "\"a\" , \"b\"", "x: y", "\"\""] {
        let fixture = Fixture::new(4 * PART);
        fixture
            .server
            .inject(Fault::Header { name: "ETag".to_owned(), value: Some(etag.to_owned()) });
        let ended = fixture.client().download(&fixture.request());
        let requests = fixture.server.requests();
        for request in &requests {
            let sent = request.header("if-match");
            assert!(sent.is_none() || sent == Some(etag), "{etag:?} became {sent:?}");
        }
        if ended.is_ok() {
            fixture.assert_range(0..4 * PART);
        }
    }
}

#[test]
fn a_header_forged_into_a_checkpoint_is_not_sent() {
    let fixture = Fixture::new(4 * PART);
    fixture.interrupt(&fixture.request(), 50_000);
    let left = fixture.leftovers();
    let forged = forge::with_etag(&left.journal, "\"a\"\r\nX-Injected: 1");
    fixture.put_back(&left);
    fs::write(&left.journal_path, forged).expect("write");
    let sent_before = fixture.server.requests().len();
    let outcome = fixture.client().download(&fixture.request()).expect("download");
    fixture.assert_whole(&outcome);
    assert_eq!(outcome.statistics.bytes_reused, 0, "the forged checkpoint counted");
    assert_no_injected_header(&fixture.server.requests()[sent_before..]);
}

#[test]
fn a_checkpoint_forged_with_the_right_etag_is_used() {
    let fixture = Fixture::new(4 * PART);
    fixture.interrupt(&fixture.request(), 50_000);
    let left = fixture.leftovers();
    let object = fixture.server.object(BUCKET, KEY).expect("object");
    assert_eq!(forge::with_etag(&left.journal, object.etag()), left.journal);
}

#[test]
fn a_key_that_tries_to_leave_the_directory_names_a_file_in_it_or_is_refused() {
    for key in ["../../up.bin", "a/../../up.bin", "C:\\up.bin", "..\\..\\up.bin", "a/../up.bin"] {
        let request = DownloadRequest::new(BUCKET, key);
        let name = request.default_file_name().expect("a name");
        assert!(!name.contains('/') && name != ".." && name != ".", "{key} → {name}");
    }
    let fixture = Fixture::new(PART);
    for key in ["..", ".", "a/..", "a/.", "a/", "../", "a/b/../"] {
        let request = DownloadRequest::new(BUCKET, key);
        let error = fixture.client().download(&request).expect_err(key);
        assert_refused(&fixture, key, &error);
    }
}
