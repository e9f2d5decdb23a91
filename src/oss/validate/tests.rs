use std::borrow::Cow;
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::model::error::ErrorKind;

fn good() -> DownloadRequest {
    DownloadRequest::new("examplebucket", "dir/object.bin")
}

/// Asserts that the changed request is refused with a message that contains `word`.
fn refused(word: &str, change: impl FnOnce(&mut DownloadRequest)) {
    let mut bad = good();
    change(&mut bad);
    let error = request(&bad).expect_err(word);
    assert_eq!((error.kind(), error.code()), (ErrorKind::Validation, "ValidateError"));
    assert!(error.message().contains(word), "{word}: {error}");
}

fn accepted(change: impl FnOnce(&mut DownloadRequest)) {
    let mut changed = good();
    change(&mut changed);
    request(&changed).unwrap();
}

fn pair(name: &str, value: &str) -> Vec<(String, String)> {
    vec![(name.to_owned(), value.to_owned())]
}

fn client() -> ClientOptions {
    let key = AccessKey::new("id", "secret", None);
    ClientOptions::new("oss-cn-hangzhou.aliyuncs.com").credentials(Credentials::Static(key))
}

fn refused_option(word: &str, change: impl FnOnce(&mut ClientOptions)) {
    let mut bad = client();
    change(&mut bad);
    let error = options(&bad).expect_err(word);
    assert_eq!((error.kind(), error.code()), (ErrorKind::Validation, "ValidateError"));
    assert!(error.message().contains(word), "{word}: {error}");
}

#[test]
fn a_bucket_is_3_to_63_lower_case_letters_digits_and_inner_dashes() {
    for name in ["abc", "a-b", "123", &"a".repeat(63)] {
        accepted(|request| request.bucket = name.to_owned());
    }
    for name in ["", "ab", "-abc", "abc-", "Abc", "a.b.c", "a_b", "ab/c", "ab\r\n", &"a".repeat(64)]
    {
        refused("is not a bucket name", |request| request.bucket = name.to_owned());
    }
}

#[test]
fn a_key_has_1_to_1023_bytes_and_no_leading_slash() {
    for key in
        ["a", "a\\b", "a\nb", "\u{5bf9}\u{8c61}", " ", &format!("d/{}", "e/".repeat(510) + "f")]
    {
        accepted(|request| request.key = key.to_owned());
    }
    for key in ["", "/a", "\\a", "a\0b", &"a".repeat(1024), &"\u{5bf9}".repeat(342)] {
        refused("key", |request| {
            request.key = key.to_owned();
            request.file_path = Some(PathBuf::from("out"));
        });
    }
}

#[test]
fn a_key_whose_last_segment_is_not_a_file_name_needs_a_file_path() {
    for (key, why) in [
        ("dir/", "does not end in a file name"),
        ("..", "does not end in a file name"),
        ("dir/..", "does not end in a file name"),
        ("dir/.", "does not end in a file name"),
        (&"a".repeat(256), "segment of 256 bytes, too long for a file name, which has at most 255"),
        (&format!("dir/{}", "\u{5bf9}".repeat(100)), "segment of 300 bytes, too long"),
    ] {
        refused(why, |request| request.key = key.to_owned());
        refused("set file_path", |request| request.key = key.to_owned());
        accepted(|request| {
            request.key = key.to_owned();
            request.file_path = Some(PathBuf::from("out/file"));
        });
    }
    let name = |key: &str| DownloadRequest::new("b", key).default_file_name().map(Cow::into_owned);
    assert_eq!(name("a/b/c.bin").unwrap(), "c.bin");
    assert_eq!(name("...").unwrap(), "...");
}

#[test]
fn a_key_that_is_a_url_is_refused_with_the_right_key_and_without_its_query() {
    let instead = "use the bucket 'examplebucket' and the key 'dir/a.bin'";
    let host = "examplebucket.oss-cn-hangzhou.aliyuncs.com";
    for key in [
        "oss://examplebucket/dir/a.bin",
        "OSS://examplebucket/dir/a.bin",
        &format!("https://{host}/dir/a.bin"),
        &format!("http://{host}/dir/a.bin?Signature=SIGNATURE&Expires=1"),
        "http://127.0.0.1/examplebucket/dir/a.bin",
    ] {
        refused("an object key is required", |request| request.key = key.to_owned());
        refused(instead, |request| request.key = key.to_owned());
        let error = request(&DownloadRequest::new("examplebucket", key)).unwrap_err();
        assert!(!error.message().contains("SIGNATURE"), "{error}");
    }
    refused("use the bucket 'other' and the key 'a'", |r| r.key = "oss://other/a".to_owned());
    for key in ["oss://", "oss://examplebucket", "oss://examplebucket/"] {
        refused("pass the bucket name and the object key", |r| r.key = key.to_owned());
    }
    // Valid keys of programs that store pages by their addresses.
    accepted(|request| request.key = "https://www.example.com/index.html".to_owned());
}

#[test]
fn a_file_path_names_a_file() {
    for path in ["dir/", "/", "..", "a/.."] {
        refused("is a directory", |request| request.file_path = Some(PathBuf::from(path)));
    }
    for path in ["", "a\0b"] {
        refused("file_path", |request| request.file_path = Some(PathBuf::from(path)));
        refused("checkpoint_dir", |request| {
            request.checkpoint = Checkpoint::Directory(PathBuf::from(path));
        });
    }
}

#[test]
fn part_size_thread_num_and_traffic_limit_must_be_in_their_ranges() {
    for part_size in [102_400, 5_368_709_120] {
        accepted(|request| request.part_size = part_size);
    }
    for part_size in [0, 102_399, 5_368_709_121] {
        refused("part_size", |request| request.part_size = part_size);
    }
    for thread_num in [1, 1024] {
        accepted(|request| request.thread_num = thread_num);
    }
    for thread_num in [0, 1025] {
        refused("thread_num", |request| request.thread_num = thread_num);
    }
    accepted(|request| (request.auto_concurrency, request.thread_num) = (true, 0));
    for limit in [0, 819_200, 838_860_800] {
        accepted(|request| request.traffic_limit = limit);
    }
    for limit in [1, 819_199, 838_860_801] {
        refused("traffic_limit", |request| request.traffic_limit = limit);
    }
}

#[test]
fn a_range_starts_at_0_or_later_and_does_not_end_before_its_start() {
    for (start, end) in [(0, -1), (0, 0), (5, 5), (5, -1), (0, i64::MAX)] {
        accepted(|request| request.range = Some(ByteRange { start, end }));
    }
    for (start, end) in [(-1, 5), (0, -2), (5, 4), (i64::MIN, i64::MIN)] {
        refused("range", |request| request.range = Some(ByteRange { start, end }));
    }
}

#[test]
fn header_values_are_not_empty_and_contain_no_line_break() {
    for value in ["", "  ", "a\r\nX: y", "a\0", "a\u{7f}"] {
        let text = || Some(value.to_owned());
        refused("ETag", |request| request.if_match = vec![value.to_owned()]);
        refused("ETag", |request| request.if_none_match = vec![value.to_owned()]);
        refused("if_modified_since", |request| request.if_modified_since = text());
        refused("if_unmodified_since", |request| request.if_unmodified_since = text());
        refused("version_id", |request| request.version_id = text());
        refused("content_type", |request| request.response_headers.content_type = text());
        refused("content_language", |request| request.response_headers.content_language = text());
        refused("expires", |request| request.response_headers.expires = text());
        refused("cache_control", |request| request.response_headers.cache_control = text());
        refused("disposition", |request| request.response_headers.content_disposition = text());
        refused("encoding", |request| request.response_headers.content_encoding = text());
        refused("X-A", |request| request.extra_headers = pair("X-A", value));
        refused_option("user_agent", |options| options.user_agent = text());
    }
    accepted(|request| request.extra_headers = pair("X-A", "a\tb \u{e9}"));
}

#[test]
fn extra_headers_cannot_replace_what_the_library_sets() {
    for name in ["Authorization", "range", "HOST", "Accept-Encoding", "x-oss-range-behavior"] {
        refused("set by the library", |request| request.extra_headers = pair(name, "x"));
    }
    for name in ["If-Match", "if-none-match", "If-Modified-Since", "If-Unmodified-Since"] {
        refused("condition", |request| request.extra_headers = pair(name, "x"));
    }
    for name in ["", "a b", "a:", "a\r\nb", "\u{e9}"] {
        refused("is not a valid name", |request| request.extra_headers = pair(name, "x"));
    }
    accepted(|request| request.extra_headers = pair("x-oss-traffic-limit", "819200"));
}

#[test]
fn extra_query_parameters_cannot_touch_the_signature() {
    for name in ["Signature", "OSSAccessKeyId", "Expires", "security-token", "x-oss-signature"] {
        refused("is part of the signature", |request| request.extra_query = pair(name, "x"));
    }
    for (name, value) in [("", "x"), ("a\nb", "x"), ("a", "x\0")] {
        refused("empty or contains control characters", |request| {
            request.extra_query = pair(name, value)
        });
    }
    accepted(|request| request.extra_query = pair("x-oss-process", ""));
    refused("a processed object whole", |request| {
        request.extra_query = pair("x-oss-process", "image/info");
        *request = request.clone().range(0, 99);
    });
}

#[test]
fn duplicate_headers_and_parameters_are_refused() {
    refused("'x-oss-traffic-limit' would be sent twice", |request| {
        request.traffic_limit = 819_200;
        request.extra_headers = pair("X-OSS-Traffic-Limit", "819200");
    });
    refused("'versionId' would be sent twice", |request| {
        request.version_id = Some("v1".to_owned());
        request.extra_query = pair("versionId", "v2");
    });
    refused("'x-a' would be sent twice", |request| {
        request.extra_headers = [pair("X-A", "1"), pair("x-a", "1")].concat();
    });
}

#[test]
fn a_region_has_no_oss_prefix() {
    for id in ["cn-hangzhou", "us-east-1", "rg-china-mainland"] {
        region(id).unwrap();
    }
    for id in ["", "oss-cn-hangzhou", "CN-hangzhou", "cn hangzhou", "cn/hangzhou", &"a".repeat(65)]
    {
        refused_option("region", |options| options.region = Some(id.to_owned()));
    }
}

#[test]
fn access_keys_that_cannot_be_sent_in_a_header_are_refused_and_never_shown() {
    let token = |text: &str| Some(text.to_owned());
    for key in [
        AccessKey::new("", "SECRET", None),
        AccessKey::new("ID\n", "SECRET", None),
        AccessKey::new("I D", "SECRET", None),
        AccessKey::new("ID", "", None),
        AccessKey::new("ID", "SECRET\n", None),
        AccessKey::new("ID", "SECRET", token("SECRET\r\nX: y")),
    ] {
        let error = access_key(&key).unwrap_err();
        assert!(!error.message().contains("SECRET") && !error.message().contains("ID"), "{error}");
        refused_option("", |options| options.credentials = Credentials::Static(key));
    }
    access_key(&AccessKey::new("STS.NSx", "a/b+c==", token("CAIS+/=="))).unwrap();
    access_key(&AccessKey::new("id", "secret", token(""))).unwrap();
}

#[test]
fn limits_are_not_zero() {
    let zero = Some(Duration::ZERO);
    refused_option("endpoint", |options| options.endpoint = "ftp://example.com".to_owned());
    refused_option("max_attempts", |options| options.max_attempts = 0);
    refused_option("connect_timeout", |options| options.connect_timeout = zero);
    refused_option("idle_timeout", |options| options.idle_timeout = zero);
    refused_option("first_byte_limit", |options| options.first_byte_limit = zero);
    refused_option("throttle_limit", |options| {
        options.throttle_limit = Some(Duration::ZERO);
    });
    refused_option("no_progress_limit", |options| {
        options.no_progress_limit = Some(Duration::from_micros(999));
    });
    refused_option("ca_file", |options| options.ca_file = Some(PathBuf::new()));
    refused_option("ca_path", |options| options.ca_path = Some(PathBuf::new()));
}

proptest! {
    #[test]
    fn an_accepted_request_composes_to_printable_headers_and_a_plain_file_name(
        bucket in "[a-z-]{2,5}", key in any::<String>(), name in any::<String>(), value in any::<String>(),
    ) {
        let mut candidate = DownloadRequest::new(bucket, key);
        candidate.extra_headers = vec![(name, value.clone())];
        candidate.version_id = Some(value);
        if request(&candidate).is_ok() {
            let composed = get_object::compose(&candidate, None, Conditions::User);
            for (name, value) in composed.headers {
                prop_assert!(name.bytes().all(is_token_byte));
                prop_assert!(!value.contains(['\r', '\n', '\0']));
            }
            prop_assert!(!candidate.default_file_name().unwrap().contains(['/', '\0']));
        }
    }
}

#[test]
fn a_request_for_a_listing_has_a_bucket_short_texts_and_a_page_size_of_the_service() {
    let valid =
        || ListRequest::new("bkt").prefix("p".repeat(1023)).delimiter("\n").start_after("..");
    list_request(&valid()).unwrap();
    list_request(&valid().max_keys(1)).unwrap();
    let long = || "\u{e9}".repeat(512);
    for (wrong, field) in [
        (ListRequest::new("Bucket"), "bucket"),
        (valid().prefix(long()), "prefix"),
        (valid().delimiter(long()), "delimiter"),
        (valid().start_after(long()), "start_after"),
        (valid().max_keys(0), "max_keys"),
        (valid().max_keys(1001), "max_keys"),
    ] {
        let error = list_request(&wrong).unwrap_err();
        assert_eq!(error.code(), "ValidateError");
        assert!(error.message().contains(field), "{error}");
    }
}
