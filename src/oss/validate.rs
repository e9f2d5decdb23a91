//! Validation of requests and options, before any network or disk access.

use std::path::Path;
use std::time::Duration;

use super::endpoint::Endpoint;
use super::get_object::{self, Conditions};
use super::key_url;
use super::source_url;
use crate::model::credentials::{AccessKey, Credentials};
use crate::model::error::{Error, Result};
use crate::model::listing::{ListRequest, MAX_LIST_KEYS};
use crate::model::options::ClientOptions;
use crate::model::request::{
    ByteRange, Checkpoint, DownloadRequest, MAX_PART_SIZE, MAX_THREAD_NUM, MIN_PART_SIZE,
};

/// `x-oss-traffic-limit`, in bits per second.
const TRAFFIC_LIMITS: std::ops::RangeInclusive<u64> = 819_200..=838_860_800;
const MAX_KEY: usize = 1023;

/// Headers that this library or its HTTP client sets itself, in lower case. Another value would break the signature,
/// the framing, or the guarantee about the reply's bytes.
const RESERVED_HEADERS: &[&str] = &[
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "date",
    "expect",
    "host",
    "if-range",
    "keep-alive",
    "proxy-authorization",
    "range",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-oss-content-sha256",
    "x-oss-date",
    "x-oss-range-behavior",
    "x-oss-security-token",
];

/// Longest host name, in bytes.
const MAX_HOST: usize = 255;

/// Conditions: they are sent with the first request only, which extra headers cannot express.
const CONDITION_HEADERS: &[&str] =
    &["if-match", "if-none-match", "if-modified-since", "if-unmodified-since"];

/// Query parameters of a presigned URL.
const SIGNING_PARAMETERS: &[&str] = &[
    "Expires",
    "OSSAccessKeyId",
    "Signature",
    "security-token",
    "x-oss-additional-headers",
    "x-oss-credential",
    "x-oss-date",
    "x-oss-expires",
    "x-oss-security-token",
    "x-oss-signature",
    "x-oss-signature-version",
];

/// Checks everything about a request that needs no I/O; `ValidateError` names the field.
pub fn request(request: &DownloadRequest) -> Result<()> {
    match &request.url {
        Some(url) => source_url::validate(request, url)?,
        None if request.url_provider.is_some() => {
            return Err(Error::validation("url_provider is set without url"));
        }
        None => {
            bucket(&request.bucket)?;
            key(&request.key)?;
            no_url(request)?;
        }
    }
    target(request)?;
    sizes(request)?;
    if let Some(range) = request.range {
        byte_range(range)?;
        if request.is_processed() {
            return Err(Error::validation(
                "a range cannot be combined with x-oss-process: the service sends a processed object whole",
            ));
        }
    }
    texts(request)?;
    extra_headers(&request.extra_headers, request.url.is_some())?;
    extra_query(&request.extra_query)?;
    nothing_twice(request)
}

/// Checks a request for a listing; `ValidateError` names the field.
pub fn list_request(request: &ListRequest) -> Result<()> {
    bucket(&request.bucket)?;
    for (name, text) in [
        ("prefix", Some(request.prefix.as_str())),
        ("delimiter", request.delimiter.as_deref()),
        ("start_after", request.start_after.as_deref()),
    ] {
        if text.is_some_and(|text| text.len() > MAX_KEY) {
            return Err(Error::validation(format!(
                "{name} is longer than {MAX_KEY} bytes, the longest key"
            )));
        }
    }
    if !(1..=MAX_LIST_KEYS).contains(&request.max_keys) {
        return Err(Error::validation(format!(
            "max_keys is {}; it must be between 1 and {MAX_LIST_KEYS}",
            request.max_keys
        )));
    }
    Ok(())
}

/// Checks a client's options; `ValidateError` names the option.
pub fn options(options: &ClientOptions) -> Result<()> {
    if !options.endpoint.is_empty() {
        Endpoint::parse(&options.endpoint)?;
    }
    if let Some(id) = &options.region {
        region(id)?;
    }
    if let Credentials::Static(key) = &options.credentials {
        access_key(key)?;
    }
    if let Some(agent) = &options.user_agent {
        header_value("user_agent", agent)?;
    }
    if let Some(proxy) = &options.proxy {
        host("the proxy's host", &proxy.host)?;
        for (name, text) in [
            ("the proxy's user", proxy.user.as_deref()),
            ("the proxy's password", proxy.password.as_ref().map(|password| password.as_str())),
        ] {
            text.map_or(Ok(()), |text| no_controls(name, text))?;
        }
    }
    if let Some(interface) = &options.network_interface {
        host("network_interface", interface)?;
    }
    if options.max_attempts == 0 {
        return Err(Error::validation("max_attempts must be at least 1; 1 means no retry"));
    }
    time_limit("connect_timeout", options.connect_timeout)?;
    time_limit("idle_timeout", options.idle_timeout)?;
    time_limit("first_byte_limit", options.first_byte_limit)?;
    time_limit("no_progress_limit", options.no_progress_limit)?;
    time_limit("throttle_limit", options.throttle_limit)?;
    for (name, path) in [("ca_file", &options.ca_file), ("ca_path", &options.ca_path)] {
        path.as_deref().map_or(Ok(()), |path| usable_path(name, path))?;
    }
    Ok(())
}

/// Checks a key before anything is signed with it. Messages never show the key.
pub fn access_key(key: &AccessKey) -> Result<()> {
    let is_visible = |text: &str| text.bytes().all(|b| b.is_ascii_graphic());
    if key.id.is_empty() || !is_visible(&key.id) {
        return Err(Error::validation(
            "the access key id is empty or contains blanks, control characters or non-ASCII characters",
        ));
    }
    if key.secret.is_empty() || key.secret.chars().any(char::is_control) {
        return Err(Error::validation(
            "the access key secret is empty or contains control characters",
        ));
    }
    if key.token.as_ref().is_some_and(|token| !is_visible(token)) {
        return Err(Error::validation(
            "the security token contains blanks, control characters or non-ASCII characters",
        ));
    }
    Ok(())
}

/// Checks a region id, such as `cn-hangzhou`.
pub fn region(region: &str) -> Result<()> {
    let is_id = (1..=64).contains(&region.len())
        && region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !is_id || region.starts_with("oss-") {
        return Err(Error::validation(format!(
            "'{}' is not a region id; use the form cn-hangzhou, without the prefix oss-",
            region.escape_debug()
        )));
    }
    Ok(())
}

fn bucket(bucket: &str) -> Result<()> {
    let is_name = (3..=63).contains(&bucket.len())
        && bucket.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !bucket.starts_with('-')
        && !bucket.ends_with('-');
    if !is_name {
        return Err(Error::validation(format!(
            "'{}' is not a bucket name; it must have 3 to 63 characters of a-z, 0-9 and '-', and must not start or end with '-'",
            bucket.escape_debug()
        )));
    }
    Ok(())
}

fn key(key: &str) -> Result<()> {
    let why = if key.is_empty() || key.len() > MAX_KEY {
        "it must have 1 to 1023 bytes"
    } else if key.starts_with(['/', '\\']) {
        "it must not start with '/' or '\\'"
    } else if key.contains('\0') {
        "it must not contain a NUL byte"
    } else {
        return Ok(());
    };
    Err(Error::validation(format!("the object key is not valid: {why}")))
}

/// A key that is a URL would not be found, and its last segment might become the file name.
fn no_url(request: &DownloadRequest) -> Result<()> {
    let Some((bucket, key)) = key_url::parse(&request.key, &request.bucket) else { return Ok(()) };
    let instead = match key.as_str() {
        "" => "pass the bucket name and the object key".to_owned(),
        key => format!(
            "use the bucket '{}' and the key '{}'",
            bucket.escape_debug(),
            key.escape_debug()
        ),
    };
    Err(Error::validation(format!("the key is a URL, but an object key is required: {instead}")))
}

fn target(request: &DownloadRequest) -> Result<()> {
    match &request.file_path {
        None => {
            request.default_file_name()?;
        }
        Some(path) => {
            usable_path("file_path", path)?;
            let names_directory = path.as_os_str().as_encoded_bytes().ends_with(b"/");
            if names_directory || path.file_name().is_none() {
                return Err(Error::validation(format!(
                    "file_path '{}' is a directory; add a file name",
                    path.display()
                )));
            }
        }
    }
    match &request.checkpoint {
        Checkpoint::Directory(directory) => usable_path("checkpoint_dir", directory),
        Checkpoint::Off | Checkpoint::BesideTarget => Ok(()),
    }
}

fn sizes(request: &DownloadRequest) -> Result<()> {
    if !(MIN_PART_SIZE..=MAX_PART_SIZE).contains(&request.part_size) {
        return Err(Error::validation(format!(
            "part_size is {}; it must be between {MIN_PART_SIZE} and {MAX_PART_SIZE} bytes",
            request.part_size
        )));
    }
    let least = u32::from(!request.auto_concurrency);
    if !(least..=MAX_THREAD_NUM).contains(&request.thread_num) {
        return Err(Error::validation(format!(
            "thread_num is {}; it must be between {least} and {MAX_THREAD_NUM}",
            request.thread_num
        )));
    }
    if request.traffic_limit != 0 && !TRAFFIC_LIMITS.contains(&request.traffic_limit) {
        return Err(Error::validation(format!(
            "traffic_limit is {}; it must be 0 (no limit) or between {} and {} bits per second",
            request.traffic_limit,
            TRAFFIC_LIMITS.start(),
            TRAFFIC_LIMITS.end()
        )));
    }
    Ok(())
}

fn byte_range(range: ByteRange) -> Result<()> {
    let ByteRange { start, end } = range;
    if start >= 0 && (end == -1 || end >= start) {
        return Ok(());
    }
    Err(Error::validation(format!(
        "the range {start} to {end} is not valid; the start must be at least 0, and the end must not be before the start, or be -1 for the end of the object"
    )))
}

/// Values that are sent in headers and in the query.
fn texts(request: &DownloadRequest) -> Result<()> {
    for etag in request.if_match.iter().chain(&request.if_none_match) {
        header_value("an ETag in if_match or if_none_match", etag)?;
    }
    let overrides = &request.response_headers;
    let fields = [
        ("if_modified_since", &request.if_modified_since),
        ("if_unmodified_since", &request.if_unmodified_since),
        ("version_id", &request.version_id),
        ("response_headers.content_type", &overrides.content_type),
        ("response_headers.content_language", &overrides.content_language),
        ("response_headers.expires", &overrides.expires),
        ("response_headers.cache_control", &overrides.cache_control),
        ("response_headers.content_disposition", &overrides.content_disposition),
        ("response_headers.content_encoding", &overrides.content_encoding),
    ];
    for (name, value) in fields {
        value.as_deref().map_or(Ok(()), |value| header_value(name, value))?;
    }
    Ok(())
}

fn extra_headers(headers: &[(String, String)], for_url: bool) -> Result<()> {
    for (name, value) in headers {
        let shown = name.escape_debug();
        let lower = name.to_ascii_lowercase();
        if name.is_empty() || !name.bytes().all(is_token_byte) {
            return Err(Error::validation(format!(
                "'{shown}' is not a valid name for an extra header"
            )));
        }
        // A request for a URL is not signed.
        let is_free = for_url && (lower == "authorization" || lower.starts_with("x-oss-"));
        if RESERVED_HEADERS.contains(&lower.as_str()) && !is_free {
            return Err(Error::validation(format!(
                "the extra header '{shown}' is set by the library"
            )));
        }
        if CONDITION_HEADERS.contains(&lower.as_str()) {
            return Err(Error::validation(format!(
                "the extra header '{shown}' is a condition; use the field of the request for it"
            )));
        }
        header_value(&format!("the extra header '{shown}'"), value)?;
    }
    Ok(())
}

fn extra_query(query: &[(String, String)]) -> Result<()> {
    for (name, value) in query {
        let shown = name.escape_debug();
        if name.is_empty() || name.chars().chain(value.chars()).any(char::is_control) {
            return Err(Error::validation(format!(
                "the name of the extra query parameter '{shown}' is empty or contains control characters"
            )));
        }
        if SIGNING_PARAMETERS.contains(&name.as_str()) {
            return Err(Error::validation(format!(
                "the extra query parameter '{shown}' is part of the signature; the library sets it"
            )));
        }
    }
    Ok(())
}

/// A header or parameter that is sent twice is signed differently by the library and the service.
fn nothing_twice(request: &DownloadRequest) -> Result<()> {
    let composed = get_object::compose(request, None, Conditions::None);
    let mut names: Vec<String> =
        composed.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    names.sort_unstable();
    let mut parameters: Vec<String> = composed.query.into_iter().map(|(name, _)| name).collect();
    parameters.sort_unstable();
    for sorted in [names, parameters] {
        if let Some(twice) = sorted.windows(2).find(|pair| pair.first() == pair.last()) {
            let name = twice.first().map_or("", String::as_str);
            return Err(Error::validation(format!(
                "'{}' would be sent twice; remove it from the extra headers and the extra query",
                name.escape_debug()
            )));
        }
    }
    Ok(())
}

fn header_value(name: &str, value: &str) -> Result<()> {
    if value.trim().is_empty() || value.chars().any(|c| c.is_control() && c != '\t') {
        return Err(Error::validation(format!("{name} is empty or contains control characters")));
    }
    Ok(())
}

/// A name or address alone: characters with a meaning in a URL would be interpreted differently.
fn host(name: &str, text: &str) -> Result<()> {
    let misplaced = |c: char| c.is_whitespace() || matches!(c, '/' | '@' | '?' | '#' | '\\');
    if text.is_empty() || text.len() > MAX_HOST || text.contains(misplaced) {
        return Err(Error::validation(format!(
            "{name} is empty, too long, or contains more than a name"
        )));
    }
    no_controls(name, text)
}

fn no_controls(name: &str, text: &str) -> Result<()> {
    if text.chars().any(char::is_control) {
        return Err(Error::validation(format!("{name} contains control characters")));
    }
    Ok(())
}

/// Checks a path without looking for it.
pub fn usable_path(name: &str, path: &Path) -> Result<()> {
    let bytes = path.as_os_str().as_encoded_bytes();
    if bytes.is_empty() || bytes.contains(&0) {
        return Err(Error::validation(format!("{name} is empty or contains a NUL byte")));
    }
    Ok(())
}

// The HTTP client counts in milliseconds, and 0 means its own default.
fn time_limit(name: &str, limit: Option<Duration>) -> Result<()> {
    match limit {
        Some(limit) if limit < Duration::from_millis(1) => {
            Err(Error::validation(format!("{name} must be at least 1 ms, or not set for no limit")))
        }
        _ => Ok(()),
    }
}

/// RFC 9110's `tchar`.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests;
