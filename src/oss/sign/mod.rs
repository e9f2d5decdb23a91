//! Request signatures, V1 and V4, in headers and in URLs.

mod sub_resources;
mod v1;
mod v4;

use std::time::Duration;

use jiff::Timestamp;

use crate::model::credentials::AccessKey;
use crate::model::error::Result;
use crate::model::options::SignatureVersion;

/// The key, algorithm and time of a signature.
#[derive(Clone, Copy, Debug)]
pub struct SigningContext<'a> {
    /// The algorithm.
    pub version: SignatureVersion,
    /// The key, with a token if it is temporary.
    pub key: &'a AccessKey,
    /// Region id; required for V4, ignored for V1.
    pub region: &'a str,
    /// The time of the request, according to the service's clock.
    pub time: Timestamp,
}

/// A request before it is signed.
#[derive(Clone, Copy, Debug)]
pub struct Unsigned<'a> {
    /// `GET` or `HEAD`.
    pub method: &'a str,
    /// Bucket.
    pub bucket: &'a str,
    /// Object key, not escaped.
    pub key: &'a str,
    /// Query, not escaped; a missing value and an empty one are equivalent.
    pub query: &'a [(String, Option<String>)],
    /// Headers that this library sends. Headers that the HTTP client adds (`Host`, `User-Agent`, `Accept`) are not
    /// signed.
    pub headers: &'a [(String, String)],
    /// Names of headers that V4 signs besides `x-oss-*`, `Content-Type` and `Content-MD5`.
    /// Names of absent headers are ignored.
    pub additional_headers: &'a [&'a str],
}

/// Returns the headers to add: `Date`, `Authorization`, and those for the version and for a token.
///
/// V4 without a region is a `ValidateError`.
pub fn sign(context: &SigningContext<'_>, request: &Unsigned<'_>) -> Result<Vec<(String, String)>> {
    match context.version {
        SignatureVersion::V1 => v1::sign(context, request),
        SignatureVersion::V4 => v4::sign(context, request),
    }
}

/// Returns the query of a presigned URL: the request's own and the signature's, to be escaped by
/// [`with_query`](crate::oss::address::with_query).
///
/// `expires` counts from the context's time: whole seconds, at least 1, at most 7 days in V4.
pub fn presign(
    context: &SigningContext<'_>,
    request: &Unsigned<'_>,
    expires: Duration,
) -> Result<Vec<(String, Option<String>)>> {
    match context.version {
        SignatureVersion::V1 => v1::presign(context, request, expires),
        SignatureVersion::V4 => v4::presign(context, request, expires),
    }
}

impl SigningContext<'_> {
    fn token(&self) -> Option<&str> {
        self.key.token.as_ref().map(|token| token.as_str()).filter(|token| !token.is_empty())
    }
}

/// The headers whose lower-case name `is_signed` accepts, sorted by that name, each as `name:value\n`.
fn canonical_headers(headers: &[(String, String)], is_signed: impl Fn(&str) -> bool) -> String {
    let mut signed: Vec<(String, &str)> = headers
        .iter()
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim()))
        .filter(|(name, _)| is_signed(name))
        .collect();
    signed.sort();
    signed.iter().map(|(name, value)| format!("{name}:{value}\n")).collect()
}

/// `name` or `name=value`, joined by `&` in the given order.
fn join_query<'a>(query: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let pairs: Vec<String> = query
        .map(|(name, value)| match value {
            "" => name.to_owned(),
            _ => format!("{name}={value}"),
        })
        .collect();
    pairs.join("&")
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> &'a str {
    headers
        .iter()
        .find(|(candidate, _)| candidate.eq_ignore_ascii_case(name))
        .map_or("", |(_, value)| value.trim())
}

fn pair(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), value.into())
}

fn parameter(name: &str, value: impl Into<String>) -> (String, Option<String>) {
    (name.to_owned(), Some(value.into()))
}

#[cfg(test)]
mod tests;
