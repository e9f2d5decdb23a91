//! The requirements of the user's document, row by row: request fields, endpoints, signatures, credentials, outcome.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use local_oss::{Auth, Config, Fault, Key, Matcher, Object};
use oss_resumable::{
    AccessKey, Client, ClientOptions, Credentials, CredentialsProvider, DEFAULT_PART_SIZE,
    DEFAULT_THREAD_NUM, DownloadRequest, ErrorKind, MAX_PART_SIZE, MAX_THREAD_NUM, MIN_PART_SIZE,
    SignatureVersion,
};

use crate::fixture::{BUCKET, Fixture, ID, KEY, MIB, PART, SECRET};

/// Asserts that the request is refused before anything is sent or created.
fn assert_refused(fixture: &Fixture, request: &DownloadRequest, what: &str) {
    let sent = fixture.server.requests().len();
    let files = fixture.files();
    let error = fixture.client().download(request).expect_err(what);
    assert_eq!((error.kind(), error.code()), (ErrorKind::Validation, "ValidateError"), "{what}");
    assert_eq!(fixture.server.requests().len(), sent, "{what}: nothing may be sent");
    assert_eq!(fixture.files(), files, "{what}: nothing may be written");
}

#[test]
fn a_bucket_name_is_3_to_63_lower_case_letters_digits_and_inner_hyphens() {
    let fixture = Fixture::new(10);
    let longest = "b".repeat(63);
    for bucket in ["abc", "a-1", "123", longest.as_str()] {
        fixture.server.put(bucket, KEY, Object::pattern(10, 7));
        let request = fixture.request_with(|request| request.bucket = bucket.to_owned());
        assert_eq!(fixture.client().download(&request).expect(bucket).file_size, 10);
    }
    let too_long = "b".repeat(64);
    for bucket in
        ["", "ab", "-abc", "abc-", "Abc", "a_c", "a.c", "a/c", "a c", "büc", too_long.as_str()]
    {
        let request = fixture.request_with(|request| request.bucket = bucket.to_owned());
        assert_refused(&fixture, &request, bucket);
    }
}

#[test]
fn a_key_has_1_to_1023_bytes_and_does_not_start_with_a_slash_or_backslash() {
    let fixture = Fixture::new(10);
    let longest = "k".repeat(1023);
    for key in ["k", longest.as_str()] {
        fixture.server.put(BUCKET, key, Object::pattern(10, 7));
        let request = fixture.request_with(|request| request.key = key.to_owned());
        assert_eq!(fixture.client().download(&request).expect(key).file_size, 10);
    }
    let too_long = "k".repeat(1024);
    // Bytes count, not characters: 342 characters of three bytes each are 1026 bytes.
    let too_many_bytes = "名".repeat(342);
    for key in ["", "/k", "\\k", "k\0", too_long.as_str(), too_many_bytes.as_str()] {
        let request = fixture.request_with(|request| request.key = key.to_owned());
        assert_refused(&fixture, &request, key);
    }
}

#[test]
fn a_key_without_a_last_segment_needs_a_file_path() {
    let fixture = Fixture::new(10);
    for key in ["dir/", "dir/.", "dir/..", "..", "."] {
        assert_refused(&fixture, &DownloadRequest::new(BUCKET, key), key);
    }
    fixture.server.put(BUCKET, "dir/", Object::pattern(10, 7));
    let request = DownloadRequest::new(BUCKET, "dir/").file_path(fixture.target());
    fixture.client().download(&request).expect("a file path was given");
}

#[test]
fn an_existing_file_is_replaced_only_when_the_new_one_is_complete() {
    let fixture = Fixture::new(4 * MIB);
    std::fs::write(fixture.target(), "old").expect("write");
    fixture.server.inject(Fault::RateLimit(8 * MIB));
    let mut states = Vec::new();
    let outcome = fixture.client().download_with(&fixture.request(), &mut |status| {
        let finished = status.phase == oss_resumable::Phase::Succeeded;
        states.push((finished, std::fs::read(fixture.target()).expect("there is always a file")));
        true
    });
    fixture.assert_whole(&outcome.expect("download"));
    let before = states.iter().filter(|(finished, _)| !finished);
    assert!(before.clone().count() > 0, "the download must last longer than one progress call");
    let new = fixture.server.object_bytes(BUCKET, KEY, 0..4 * MIB).expect("object");
    assert!(before.clone().all(|(_, bytes)| bytes == b"old" || *bytes == new));
}

#[test]
fn a_target_that_is_not_a_file_is_refused() {
    let fixture = Fixture::new(10);
    std::fs::create_dir(fixture.dir().join("directory")).expect("directory");
    let at = |path: PathBuf| fixture.request().file_path(path);
    for name in ["directory", "directory/", "missing/file", ""] {
        let path = if name.is_empty() { PathBuf::new() } else { fixture.dir().join(name) };
        assert_refused(&fixture, &at(path), name);
    }
    assert_refused(&fixture, &at("/dev/null".into()), "/dev/null");
}

#[test]
fn part_size_is_between_100_kib_and_5_gib_and_8_mib_by_default() {
    let fixture = Fixture::new(10);
    assert_eq!((MIN_PART_SIZE, MAX_PART_SIZE), (102_400, 5_368_709_120));
    assert_eq!(DownloadRequest::new(BUCKET, KEY).part_size, 8_388_608);
    assert_eq!(DEFAULT_PART_SIZE, 8_388_608);
    for size in [MIN_PART_SIZE, MAX_PART_SIZE] {
        fixture.client().download(&fixture.request().part_size(size)).expect("within the limits");
    }
    for size in [0, 1, MIN_PART_SIZE - 1, MAX_PART_SIZE + 1, u64::MAX] {
        assert_refused(&fixture, &fixture.request().part_size(size), &size.to_string());
    }
}

#[test]
fn thread_num_is_between_1_and_1024_and_3_by_default() {
    let fixture = Fixture::new(10);
    assert_eq!(DownloadRequest::new(BUCKET, KEY).thread_num, DEFAULT_THREAD_NUM);
    assert_eq!((DEFAULT_THREAD_NUM, MAX_THREAD_NUM), (3, 1024));
    for count in [1, MAX_THREAD_NUM] {
        fixture.client().download(&fixture.request().thread_num(count)).expect("within the limits");
    }
    for count in [0, MAX_THREAD_NUM + 1, u32::MAX] {
        assert_refused(&fixture, &fixture.request().thread_num(count), &count.to_string());
    }
}

#[test]
fn at_most_thread_num_parts_are_downloaded_at_once() {
    for count in [1, 2, 5] {
        let fixture = Fixture::new(4 * MIB);
        fixture.server.inject(Fault::RateLimit(4 * MIB));
        let request = fixture.request().thread_num(count);
        let outcome = fixture.client().download(&request).expect("download");
        fixture.assert_whole(&outcome);
        assert_eq!(fixture.server.max_active_connections(), u64::from(count));
    }
}

#[test]
fn a_checkpoint_directory_must_exist() {
    let fixture = Fixture::new(10);
    std::fs::write(fixture.dir().join("file"), "").expect("write");
    for name in ["missing", "file"] {
        let request = fixture.request().checkpoint_dir(fixture.dir().join(name));
        assert_refused(&fixture, &request, name);
    }
}

#[test]
fn completed_parts_are_skipped_after_a_failure_and_the_checkpoint_is_removed_after_success() {
    let fixture = Fixture::new(3 * MIB);
    fixture.server.inject_when(Matcher::any(), Fault::ResetAfter(PART * 5));
    let client = fixture.client_with(|options| options.max_attempts = 1);
    client.download(&fixture.request()).expect_err("the connection breaks");
    assert!(fixture.journal().is_some() && fixture.temp().exists() && !fixture.target().exists());

    fixture.server.clear_faults();
    let outcome = client.download(&fixture.request()).expect("resume");
    fixture.assert_whole(&outcome);
    let figures = &outcome.statistics;
    assert!(figures.bytes_reused >= PART, "{figures:?}");
    assert_eq!(figures.bytes_reused + figures.bytes_from_network, 3 * MIB);
}

#[test]
fn without_a_checkpoint_directory_a_failed_download_leaves_nothing_and_starts_over() {
    let fixture = Fixture::new(2 * MIB);
    let request = DownloadRequest::new(BUCKET, KEY).file_path(fixture.target()).part_size(PART);
    fixture.server.inject(Fault::ResetAfter(PART * 5));
    let client = fixture.client_with(|options| options.max_attempts = 1);
    client.download(&request).expect_err("the connection breaks");
    assert_eq!(fixture.files(), [""; 0]);

    fixture.server.clear_faults();
    let outcome = client.download(&request).expect("again");
    fixture.assert_whole(&outcome);
    assert_eq!(outcome.statistics.bytes_reused, 0);
}

#[test]
fn every_signature_version_is_accepted_by_a_server_that_verifies() {
    for signature in [SignatureVersion::V1, SignatureVersion::V4] {
        let fixture = Fixture::new(3 * PART);
        let client = fixture.client_with(|options| options.signature = signature);
        fixture.assert_whole(&client.download(&fixture.request()).expect("signed"));
        let scheme = if signature == SignatureVersion::V1 { "OSS " } else { "OSS4-HMAC-SHA256 " };
        for request in fixture.server.requests() {
            let authorization = request.header("Authorization").unwrap_or_default();
            assert!(authorization.starts_with(scheme), "{signature:?}");
        }
    }
}

#[test]
fn a_wrong_secret_is_the_services_error_and_not_retried() {
    for signature in [SignatureVersion::V1, SignatureVersion::V4] {
        let fixture = Fixture::new(10);
        let wrong = Credentials::Static(AccessKey::new(ID, "another secret", None));
        let client = fixture.client_with(|options| {
            options.signature = signature;
            options.credentials = wrong;
        });
        let error = client.download(&fixture.request()).expect_err("wrong secret");
        assert_eq!((error.status(), error.code()), (403, "SignatureDoesNotMatch"));
        assert_eq!(fixture.server.requests().len(), 1);
        assert!(!error.to_string().contains("another secret"));
    }
}

#[test]
fn a_security_token_is_sent_and_signed() {
    let token = "CAIS+token/of=STS";
    let key = Key {
        id: ID.to_owned(),
        secret: SECRET.to_owned(),
        token: Some(token.to_owned()),
        expires: None,
    };
    for signature in [SignatureVersion::V1, SignatureVersion::V4] {
        let fixture = Fixture::new(2 * PART);
        fixture.server.set_auth(Auth::Keys(vec![key.clone()]));
        let with = |token: Option<&str>| {
            let key = AccessKey::new(ID, SECRET, token.map(str::to_owned));
            fixture.client_with(|options| {
                options.signature = signature;
                options.credentials = Credentials::Static(key);
            })
        };
        fixture.assert_whole(&with(Some(token)).download(&fixture.request()).expect("token"));
        let requests = fixture.server.requests();
        assert!(requests.iter().all(|r| r.header("x-oss-security-token") == Some(token)));
        let error = with(None).download(&fixture.request()).expect_err("no token");
        assert_eq!(error.code(), "InvalidAccessKeyId");
        let error = with(Some("other")).download(&fixture.request()).expect_err("another token");
        assert_eq!(error.code(), "InvalidSecurityToken");
    }
}

#[test]
fn anonymous_requests_have_no_signature() {
    let fixture = Fixture::new(2 * PART);
    let client = fixture.client_with(|options| options.credentials = Credentials::Anonymous);
    let error = client.download(&fixture.request()).expect_err("the bucket is private");
    assert_eq!((error.status(), error.code()), (403, "AccessDenied"));
    fixture.server.set_auth(Auth::Anonymous);
    fixture.assert_whole(&client.download(&fixture.request()).expect("the bucket is public"));
    assert!(fixture.server.requests().iter().all(|r| r.header("Authorization").is_none()));
}

/// Counts its calls.
struct Counting(AtomicU32);

impl CredentialsProvider for Counting {
    fn fetch(&self) -> Result<AccessKey, String> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(AccessKey::new(ID, SECRET, None))
    }
}

#[test]
fn a_credentials_provider_is_called_once_for_keys_that_do_not_expire() {
    let fixture = Fixture::new(5 * PART);
    let provider = Arc::new(Counting(AtomicU32::new(0)));
    let credentials = Credentials::Provider(provider.clone());
    let client = fixture.client_with(|options| options.credentials = credentials);
    client.download(&fixture.request()).expect("first");
    client.download(&fixture.request()).expect("second");
    assert_eq!(provider.0.load(Ordering::SeqCst), 1);
}

#[test]
fn the_error_contains_the_reason_of_a_provider_without_a_key() {
    struct Poor;
    impl CredentialsProvider for Poor {
        fn fetch(&self) -> Result<AccessKey, String> {
            Err("the metadata service does not answer".to_owned())
        }
    }
    let fixture = Fixture::new(10);
    let client = fixture.client_with(|options| {
        options.credentials = Credentials::Provider(Arc::new(Poor));
        options.max_attempts = 2;
    });
    let error = client.download(&fixture.request()).expect_err("no key");
    assert_eq!(error.code(), "CredentialsError");
    assert!(error.message().contains("the metadata service does not answer"), "{error}");
    assert!(fixture.server.requests().is_empty());
}

#[test]
fn an_error_has_the_service_s_code_message_and_ids() {
    let fixture = Fixture::new(10);
    let request = fixture.request_with(|request| request.key = "missing".to_owned());
    let error = fixture.client().download(&request).expect_err("missing");
    assert_eq!((error.kind(), error.status()), (ErrorKind::Service, 404));
    assert_eq!(error.code(), "NoSuchKey");
    assert!(error.message().contains("The specified key does not exist"), "{error}");
    assert!(error.message().contains("oss://examplebucket/missing"), "{error}");
    assert_eq!(error.request_id().map(str::len), Some(24));
    assert!(error.host_id().is_some_and(|host| host.starts_with("127.0.0.1")), "{error:?}");
    assert_eq!(error.ec(), Some("0026-00000001"));
    assert_eq!((error.errno(), error.path()), (None, None));
    assert!(error.to_string().starts_with("NoSuchKey: "), "{error}");
    assert_eq!(fixture.files(), [""; 0]);
}

#[test]
fn the_outcome_describes_the_object_and_the_file() {
    let object = Object::pattern(3 * PART, 7).header("x-oss-meta-author", "nobody");
    let fixture = Fixture::with(Config { versioning: true, ..Config::default() }, object);
    let outcome = fixture.client().download(&fixture.request()).expect("download");
    let stored = fixture.server.object(BUCKET, KEY).expect("object");
    assert_eq!(outcome.file_path, fixture.target().canonicalize().expect("path"));
    assert_eq!((outcome.file_size, outcome.object_size), (3 * PART, 3 * PART));
    assert_eq!(outcome.etag.as_deref(), Some(stored.etag()));
    assert_eq!(outcome.version_id.as_deref(), Some(stored.version_id()));
    assert_eq!((outcome.crc64, outcome.object_crc64), (stored.crc64(), Some(stored.crc64())));
    assert!(outcome.last_modified.is_some_and(|date| date.ends_with(" GMT")));
    assert_eq!(outcome.request_id.map(|id| id.len()), Some(24));
    let meta = outcome.headers.iter().find(|(name, _)| name == "x-oss-meta-author");
    assert_eq!(meta.map(|(_, value)| value.as_str()), Some("nobody"));
}

#[test]
fn invalid_options_are_refused_when_the_client_is_created() {
    let refused = |change: fn(&mut ClientOptions)| {
        let mut options = ClientOptions::new("https://oss-cn-hangzhou.aliyuncs.com");
        change(&mut options);
        Client::new(options).err().map(|error| error.code().to_owned())
    };
    assert_eq!(refused(|_| {}), None);
    let changes: [fn(&mut ClientOptions); 6] = [
        |options| options.max_attempts = 0,
        |options| options.region = Some("Not A Region".to_owned()),
        |options| options.user_agent = Some("two\r\nlines".to_owned()),
        |options| options.connect_timeout = Some(std::time::Duration::ZERO),
        |options| {
            options.credentials = Credentials::Static(AccessKey::new("", SECRET, None));
        },
        |options| options.ca_file = Some(PathBuf::new()),
    ];
    for (place, change) in changes.into_iter().enumerate() {
        assert_eq!(refused(change).as_deref(), Some("ValidateError"), "change {place}");
    }
}
