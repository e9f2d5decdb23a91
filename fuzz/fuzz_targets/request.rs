//! A C caller's request and client options, with any strings and numbers: a request that is not refused
//! contains exactly what the caller set. No header can be split into two, and no part can be mistaken for
//! another.
#![no_main]

use std::ffi::{CString, c_char};
use std::mem;
use std::ptr;

use jiff::Timestamp;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use oss_resumable::fuzzing::address::{object_address, with_query};
use oss_resumable::fuzzing::c_request::{self, oss_download_object_request};
use oss_resumable::fuzzing::endpoint::Endpoint;
use oss_resumable::fuzzing::get_object::{self, Conditions};
use oss_resumable::fuzzing::sign::{self, SigningContext, Unsigned};
use oss_resumable::fuzzing::validate;
use oss_resumable::{AccessKey, AddressStyle, DownloadRequest, SignatureVersion};
use percent_encoding::percent_decode_str;

#[derive(Arbitrary, Debug)]
struct Input {
    bucket: Option<String>,
    key: Option<String>,
    texts: [Option<Vec<u8>>; 14],
    etags: Vec<String>,
    numbers: (u64, u32, i32, i64, i64, u64, i64),
    switches: [i32; 13],
    credentials: (String, String, Option<String>),
    region: String,
    style: Style,
    range: Option<(u64, Option<u64>)>,
    pinned: Option<String>,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Style {
    Auto,
    Path,
    Cname,
}

/// Strings of the caller; they live while the request is read.
#[derive(Default)]
struct Strings(Vec<CString>);

impl Strings {
    fn text(&mut self, text: Option<impl Into<Vec<u8>>>) -> *const c_char {
        let Some(text) = text else { return ptr::null() };
        let mut bytes = text.into();
        bytes.retain(|byte| *byte != 0);
        self.0.push(CString::new(bytes).expect("no NUL"));
        self.0.last().expect("just pushed").as_ptr()
    }
}

fuzz_target!(|input: Input| {
    let Some(request) = read(&input) else { return };
    if validate::request(&request).is_err() {
        return;
    }
    let (id, secret, token) = input.credentials.clone();
    let key = AccessKey::new(id, secret, token);
    if validate::access_key(&key).is_err() || validate::region(&input.region).is_err() {
        return;
    }
    let conditions = match &input.pinned {
        Some(etag) if etag.bytes().all(|b| b.is_ascii_graphic() && b != b'"') => {
            Conditions::Pinned { etag }
        }
        Some(_) => Conditions::None,
        None => Conditions::User,
    };
    let composed = get_object::compose(&request, input.range, conditions);
    let url = url(&request, input.style, &composed.query);
    says(&url, &request, input.style, &composed.query);

    for version in [SignatureVersion::V1, SignatureVersion::V4] {
        let context = SigningContext {
            version,
            key: &key,
            region: &input.region,
            time: Timestamp::UNIX_EPOCH,
        };
        let unsigned = Unsigned {
            method: "GET",
            bucket: &request.bucket,
            key: &request.key,
            query: &composed.query,
            headers: &composed.headers,
            additional_headers: &[],
        };
        let added = sign::sign(&context, &unsigned).expect("what was validated can be signed");
        // The id, the region and the object may contain the same text as the secret.
        let token = key.token.as_ref().map(|token| token.to_string());
        let other_key = AccessKey::new(key.id.clone(), "another secret", token);
        let other_context = SigningContext { key: &other_key, ..context };
        let by_chance = sign::sign(&other_context, &unsigned).expect("signed with another secret");
        assert!(added.iter().any(|(name, _)| name == "Authorization"));
        for (name, value) in composed.headers.iter().chain(&added) {
            assert!(
                !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic() && b != b':'),
                "{name}"
            );
            assert!(!value.chars().any(|c| c.is_control() && c != '\t'), "{name}: {value:?}");
            let shows = |value: &str| value.contains(&*key.secret);
            let same = |added: &&(String, String)| added.0 == *name && shows(&added.1);
            let explained = composed.headers.contains(&(name.clone(), value.clone()))
                || by_chance.iter().any(|added| same(&added));
            assert!(!shows(value) || key.secret.len() < 8 || explained, "{name} shows the secret");
        }
        let names =
            composed.headers.iter().chain(&added).map(|(name, _)| name.to_ascii_lowercase());
        let mut names: Vec<String> = names.collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count, "no header is sent twice");

        let expires = std::time::Duration::from_secs(60);
        let query = sign::presign(&context, &unsigned, expires).expect("can be signed");
        let presigned = self::url(&request, input.style, &query);
        says(&presigned, &request, input.style, &query);
    }
});

fn read(input: &Input) -> Option<DownloadRequest> {
    let mut strings = Strings::default();
    // SAFETY: integers, raw pointers and nullable functions: all zero is valid.
    let mut c: oss_download_object_request = unsafe { mem::zeroed() };
    c.struct_size = size_of::<oss_download_object_request>();
    c.bucket = strings.text(input.bucket.clone());
    c.key = strings.text(input.key.clone());
    for (field, text) in [
        &mut c.file_path,
        &mut c.checkpoint_dir,
        &mut c.if_modified_since,
        &mut c.if_unmodified_since,
        &mut c.response_content_type,
        &mut c.response_content_language,
        &mut c.response_expires,
        &mut c.response_cache_control,
        &mut c.response_content_disposition,
        &mut c.response_content_encoding,
        &mut c.version_id,
        &mut c.expected_sha256,
        &mut c.expected_md5,
        &mut c.expected_crc64,
    ]
    .into_iter()
    .zip(&input.texts)
    {
        *field = strings.text(text.clone());
    }
    let etags: Vec<_> = input.etags.iter().map(|etag| strings.text(Some(etag.clone()))).collect();
    (c.if_match, c.if_match_count) = (etags.as_ptr(), etags.len());
    (
        c.part_size,
        c.thread_num,
        c.has_range,
        c.range_start,
        c.range_end,
        c.traffic_limit,
        c.deadline_ms,
    ) = input.numbers;
    [
        c.overwrite,
        c.requester_pays,
        c.set_modified_time,
        c.check_space,
        c.preallocate,
        c.flush,
        c.verify_before_rename,
        c.allow_encrypted,
        c.enable_checkpoint,
        c.priority,
        c.order,
        c.write_mode,
        c.auto_concurrency,
    ] = input.switches;
    // SAFETY: a live struct, whose strings end in NUL and whose lists have as many elements as their counts.
    let (request, _progress) = unsafe { c_request::read(&raw const c) }.ok()?;
    assert_eq!(Some(&request.bucket), input.bucket.as_ref().map(without_nul).as_ref());
    assert_eq!(Some(&request.key), input.key.as_ref().map(without_nul).as_ref());
    Some(request)
}

fn without_nul(text: &String) -> String {
    text.replace('\0', "")
}

fn url(request: &DownloadRequest, style: Style, query: &[(String, Option<String>)]) -> String {
    let endpoint = Endpoint::parse("http://host.example:81").expect("an endpoint");
    let style = match style {
        Style::Auto => AddressStyle::Auto,
        Style::Path => AddressStyle::Path,
        Style::Cname => AddressStyle::Cname,
    };
    let address = object_address(&endpoint, style, &request.bucket, &request.key);
    with_query(&address.expect("an address").url, query)
}

/// Asserts that the URL, parsed as by a server, contains the object and the parameters and nothing else.
fn says(url: &str, request: &DownloadRequest, style: Style, query: &[(String, Option<String>)]) {
    assert!(url.bytes().all(|b| b.is_ascii_graphic() && !b"\"<>\\^`{|}#".contains(&b)), "{url}");
    let (base, parameters) = url.split_once('?').unwrap_or((url, ""));
    let bucket = &request.bucket;
    let prefix = match style {
        Style::Auto => format!("http://{bucket}.host.example:81/"),
        Style::Path => format!("http://host.example:81/{bucket}/"),
        Style::Cname => "http://host.example:81/".to_owned(),
    };
    let key = base.strip_prefix(&prefix).expect("scheme, host and bucket");
    assert_eq!(decoded(key), request.key);

    let read: Vec<(String, String)> = parameters
        .split('&')
        .filter(|parameter| !parameter.is_empty())
        .map(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            (decoded(name), decoded(value))
        })
        .collect();
    let meant: Vec<(String, String)> = query
        .iter()
        .map(|(name, value)| (name.clone(), value.clone().unwrap_or_default()))
        .collect();
    assert_eq!(read, meant);
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8().expect("UTF-8").into_owned()
}
