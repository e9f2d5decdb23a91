//! V1: HMAC-SHA1 over a few headers and the sub-resources of the query.

use std::time::Duration;

use super::sub_resources::SUB_RESOURCES;
use super::{SigningContext, Unsigned, canonical_headers, header, join_query, pair, parameter};
use crate::model::error::{Error, Result};
use crate::oss::{clock, crypto};

pub(super) fn sign(
    context: &SigningContext<'_>,
    request: &Unsigned<'_>,
) -> Result<Vec<(String, String)>> {
    let date = clock::http_date(context.time)?;
    let mut added = vec![pair("Date", &date)];
    if let Some(token) = context.token() {
        added.push(pair("x-oss-security-token", token));
    }
    let headers = [request.headers, &added].concat();
    let signature = signature(context, &string_to_sign(request, request.query, &headers, &date))?;
    added.push(pair("Authorization", format!("OSS {}:{signature}", context.key.id)));
    Ok(added)
}

pub(super) fn presign(
    context: &SigningContext<'_>,
    request: &Unsigned<'_>,
    expires: Duration,
) -> Result<Vec<(String, Option<String>)>> {
    let deadline = i64::try_from(expires.as_secs())
        .ok()
        .filter(|seconds| *seconds > 0)
        .and_then(|seconds| context.time.as_second().checked_add(seconds))
        .ok_or_else(|| Error::validation("a presigned URL must be valid for at least 1 second"))?
        .to_string();
    let mut query = request.query.to_vec();
    if let Some(token) = context.token() {
        query.push(parameter("security-token", token));
    }
    let text = string_to_sign(request, &query, request.headers, &deadline);
    let signature = signature(context, &text)?;
    query.push(parameter("OSSAccessKeyId", &context.key.id));
    query.push(parameter("Expires", deadline));
    query.push(parameter("Signature", signature));
    Ok(query)
}

fn string_to_sign(
    request: &Unsigned<'_>,
    query: &[(String, Option<String>)],
    headers: &[(String, String)],
    date: &str,
) -> String {
    let mut signed: Vec<(&str, &str)> = query
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_deref().unwrap_or("")))
        .filter(|(name, _)| SUB_RESOURCES.contains(name))
        .collect();
    signed.sort_unstable();
    let separator = if signed.is_empty() { "" } else { "?" };
    format!(
        "{}\n{}\n{}\n{date}\n{}/{}/{}{separator}{}",
        request.method,
        header(headers, "content-md5"),
        header(headers, "content-type"),
        canonical_headers(headers, |name| name.starts_with("x-oss-")),
        request.bucket,
        request.key,
        join_query(signed.into_iter()),
    )
}

fn signature(context: &SigningContext<'_>, string_to_sign: &str) -> Result<String> {
    let digest = crypto::hmac_sha1(context.key.secret.as_bytes(), string_to_sign.as_bytes())?;
    Ok(crypto::base64_encode(&digest))
}
